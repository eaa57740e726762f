using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>One process as it was in one generation: pids are given out again.</summary>
/// <param name="Version">Its version index.</param>
/// <param name="Pid">0: nobody.</param>
/// <param name="Generation">control.generation when it was made.</param>
internal readonly record struct Follower(int Version, int Pid, ulong Generation);

/// <summary>What the state machine knows of the followers of one version index, one after the other.</summary>
internal sealed class FollowerTrack
{
    private Follower _reported, _mourned, _ended;

    /// <summary>Who follows; pid 0: nobody.</summary>
    internal Follower Now { get; private set; }

    /// <summary>Who follows, or did last; pid 0: nobody yet, -1: one that had ended before anybody looked.</summary>
    internal Follower Last { get; private set; }

    /// <summary>It leads now, or has been told to be gone.</summary>
    internal void Forget() => Now = default;

    /// <summary>The control block has changed.</summary>
    /// <param name="member">The process of this version index.</param>
    /// <param name="isThere">Whether it is a process that may follow, or did.</param>
    /// <param name="lives">Whether it follows.</param>
    /// <param name="pause">How long its making took.</param>
    /// <param name="actions">What is to be done.</param>
    internal void Observe(Member member, bool isThere, bool lives, TimeSpan pause, List<SessionAction> actions)
    {
        Follower now = lives ? new(member.Version, member.Pid, member.Generation) : default;
        /* One that is parked until its report is taken follows nobody, though its leader may be followed by another one by now. */
        if (member.State == MvMemberState.Parked && now == _ended) now = default;
        /* One may part from its leader before anybody has seen it follow. */
        var parted = new Follower(member.Version, member.Pid, member.Generation);
        if (member.State == MvMemberState.Parked && isThere && Now.Pid == 0 && parted != Last && parted != _ended)
        {
            Now = Last = parted;
            actions.Add(new SessionAction.FollowerAttached(parted, pause));
        }
        if (now != Now)
        {
            if (Now.Pid != 0) actions.Add(new SessionAction.FollowerEnded(_ended = Now));
            Now = now;
            if (now.Pid != 0) actions.Add(new SessionAction.FollowerAttached(now, pause));
        }
        if (now.Pid != 0) Last = now;
        if (member is { Generation: 1, State: MvMemberState.Ended, Reason: not MvReason.None } && Last.Pid == 0)
        {
            Last = new Follower(member.Version, -1, member.Generation);
            actions.Add(new SessionAction.FollowerEnded(Last with { Pid = 0 }));
        }
        /* The leader may have noticed first that it is gone. */
        if (member.State == MvMemberState.Parked && Last.Pid > 0 && Last.Generation == member.Generation && _reported != Last)
        {
            _reported = Last;
            actions.Add(new SessionAction.TakeReport(Last));
        }
    }

    /// <summary>A copy that dies while it is being made never said that it follows: its leader would publish for ever, and no
    /// other could be made.</summary>
    internal void TellOfDeadCopy(Member member, int pid, WaitStatus? status, List<SessionAction> actions)
    {
        var copy = new Follower(member.Version, pid, member.Generation);
        if (pid == Now.Pid || pid != member.Pid || !member.Publishing || _mourned == copy) return;
        _mourned = copy;
        actions.Add(new SessionAction.FollowerDied(copy, status));
    }
}
