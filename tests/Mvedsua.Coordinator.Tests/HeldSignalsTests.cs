using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Signals of a dead leader go to the next one, once.</summary>
public sealed class HeldSignalsTests
{
    private const int Dead = 100, Next = 101, Hup = 1, Kill = 9, Segv = 11, Term = 15, NoSuchProcess = 3, NotPermitted = 1;
    private const ulong Killed = 1ul << (Kill - 1);

    private readonly List<(int Pid, int Signal)> _sent = [];

    private HeldSignals Held(Func<int, ulong> pending, int error = 0) => new(pending, (pid, signal) =>
    {
        if (error == 0) _sent.Add((pid, signal));
        return error;
    });

    [Fact]
    public void What_was_pending_in_a_dead_leader_goes_to_the_next_once_that_leads()
    {
        HeldSignals held = Held(pid => pid == Dead ? Killed : 0);
        held.Add(1ul << (Term - 1) | 1ul << (Hup - 1) | 1ul << (Segv - 1) | Killed);
        held.Release(Dead);
        Assert.Empty(_sent);
        held.Release(Next);
        held.Release(Next);
        Assert.Equal([(Next, Hup), (Next, Term)], _sent);
    }

    [Fact]
    public void A_signal_to_a_leader_that_is_dying_goes_to_the_next_as_well()
    {
        HeldSignals held = Held(pid => pid == Dead ? Killed : 0);
        Assert.True(held.Send(Dead, Term));
        held.Release(Next);
        Assert.Equal([(Dead, Term), (Next, Term)], _sent);
    }

    [Fact]
    public void A_signal_to_a_leader_that_lives_is_sent_once()
    {
        HeldSignals held = Held(_ => 0);
        Assert.True(held.Send(Next, Term));
        held.Release(Next);
        Assert.Equal([(Next, Term)], _sent);
    }

    [Fact]
    public void A_signal_that_may_not_be_sent_is_told_and_not_held()
    {
        Assert.False(Held(_ => 0, NotPermitted).Send(Next, Term));
        HeldSignals gone = Held(_ => 0, NoSuchProcess);
        Assert.True(gone.Send(Dead, Term));
    }

    [Fact]
    public void A_process_that_is_gone_is_dying() => Assert.NotEqual(0ul, HeldSignals.Pending(int.MaxValue) & Killed);
}
