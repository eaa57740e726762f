using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>How long a follower may stand still, look by look.</summary>
public sealed class HangPatienceTests
{
    private const int Shortest = 30;
    private readonly HangPatience _patience = new(Shortest, longestSilences: 3);

    /// <summary>So many looks at the same; at which of them it is over, 0: at none.</summary>
    private int Look(int times, ulong published, ulong replayed, bool sleeps = false, bool mayStand = false)
    {
        var now = new ReplayProgress(1, published, replayed, Waits: sleeps || replayed >= published, Sleeps: sleeps);
        for (int i = 1; i <= times; i++)
            if (_patience.IsOver(now, mayStand) is not null) return i;
        return 0;
    }

    [Fact]
    public void An_idle_leaders_follower_is_spared_and_idleness_prolongs_no_hang()
    {
        Assert.Equal(0, Look(1000, published: 5, replayed: 5, sleeps: true));
        Assert.Equal(Shortest, Look(1000, published: 6, replayed: 5));
    }

    [Fact]
    public void A_leader_that_rests_while_its_follower_hangs_does_not_prolong_it()
    {
        Look(1, published: 5, replayed: 4);
        Assert.Equal(Shortest, Look(1000, published: 5, replayed: 4));
        Assert.Equal(Shortest, Look(1000, published: 5, replayed: 4));
    }

    [Fact]
    public void One_that_comes_later_to_its_leaders_long_computation_may_take_three_times_as_long()
    {
        Look(1, published: 5, replayed: 3);
        for (int i = 0; i < 61; i++) Assert.Equal(0, Look(1, published: 5, replayed: (ulong)(i % 2 == 0 ? 3 : 4)));
        Assert.Equal(0, Look(1, published: 500, replayed: 5));
        Assert.Equal(3 * 61, Look(1000, published: 500, replayed: 5));
    }

    [Fact]
    public void One_that_computes_beside_its_leader_may_be_slower()
    {
        Assert.Equal(0, Look(62, published: 5, replayed: 5));
        Assert.Equal(3 * 61, Look(1000, published: 6, replayed: 5));
    }

    [Fact]
    public void One_that_moves_on_at_times_is_never_ended()
    {
        for (ulong i = 0; i < 50; i++) Assert.Equal(0, Look(Shortest - 1, published: 1000, replayed: i));
    }

    [Fact]
    public void One_that_was_stopped_has_its_whole_time_again()
    {
        Assert.Equal(0, Look(Shortest - 1, published: 5, replayed: 4));
        Assert.Equal(0, Look(1000, published: 5, replayed: 4, mayStand: true));
        Assert.Equal(Shortest, Look(1000, published: 5, replayed: 4));
    }
}
