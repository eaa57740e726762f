using Mvedsua.Abi;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>How fast a follower replays decides whether it may be promoted under load.</summary>
public sealed class ReplayPaceTests
{
    private static ulong?[] Logs(params (int Slot, ulong Read)[] read)
    {
        var logs = new ulong?[MvAbi.MaxThreads];
        foreach ((int slot, ulong events) in read) logs[slot] = events;
        return logs;
    }

    private static ulong Pace(params ulong?[][] looks)
    {
        var pace = new ReplayPace();
        foreach (ulong?[] look in looks) pace.Look(look);
        return pace.Replayed;
    }

    [Fact]
    public void What_was_replayed_before_the_first_look_does_not_count() =>
        Assert.Equal(0ul, Pace(Logs((0, 1000), (5, 7))));

    [Fact]
    public void A_thread_that_ends_takes_nothing_away() =>
        Assert.Equal(15ul, Pace(Logs((0, 100), (1, 1_000_000)), Logs((0, 110), (1, 1_000_005)), Logs((0, 110))));

    [Fact]
    public void A_thread_for_each_connection_counts_with_all_that_it_has_done() =>
        Assert.Equal(90ul, Pace(Logs((0, 100)), Logs((0, 100), (1, 40)), Logs((0, 100)), Logs((0, 100), (1, 50))));

    [Fact]
    public void Another_thread_in_the_place_of_one_that_has_ended_counts_from_its_beginning() =>
        Assert.Equal(12ul, Pace(Logs((1, 500)), Logs((1, 510)), Logs((1, 2))));
}
