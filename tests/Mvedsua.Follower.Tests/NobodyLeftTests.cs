namespace Mvedsua.Follower.Tests;

/// <summary>Leader and follower die at once: the session ends with a status of its own, and says what happened.</summary>
public sealed class NobodyLeftTests : ServerTests
{
    private const int NobodyLeft = 74;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Leader_and_follower_that_are_killed_at_once_leave_a_status_of_their_own(bool leaderFirst)
    {
        RedisUnderMvedsua server = Start();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Kill(leaderFirst ? leader : follower, Host.SIGKILL);
        Host.KillIfThere(leaderFirst ? follower : leader, Host.SIGKILL);
        Ended(server, leader, follower);
    }

    /// <summary>In the middle of the takeover, before and behind the moment at which it leads.</summary>
    [Theory]
    [InlineData("takeover-begun")]
    [InlineData("backlog-read")]
    [InlineData("loans-taken")]
    [InlineData("intents-settled")]
    [InlineData("timers-taken")]
    [InlineData("owners-taken")]
    [InlineData("family-taken")]
    [InlineData("children-taken")]
    [InlineData("leads")]
    [InlineData("takeover-told")]
    [InlineData("thread-freed")]
    public void A_follower_that_dies_as_it_takes_over_leaves_nobody(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: point);
        server.InStep();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Kill(leader, Host.SIGKILL);
        Ended(server, leader, follower);
        Assert.Contains($"the promoted dies at {point}, passage 1: now", server.Log);
    }

    [Fact]
    public void A_leader_whose_follower_was_ended_by_its_operator_ends_with_its_own_status()
    {
        RedisUnderMvedsua server = Start();
        int leader = server.LeaderPid;
        Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        Host.Kill(leader, Host.SIGKILL);
        Host.Until(() => server.HasEnded, "mvedsua run ends");
        Assert.Equal(128 + Host.SIGKILL, server.ExitStatus);
    }

    private static void Ended(RedisUnderMvedsua server, int leader, int follower)
    {
        Host.Until(() => server.HasEnded, "mvedsua run ends");
        Assert.Equal(NobodyLeft, server.ExitStatus);
        Assert.Contains("leader and follower were killed at once", server.Log);
        Assert.Contains($"{leader} (SIGKILL)", server.Log);
        Assert.Contains($"{follower} (SIGKILL)", server.Log);
        Assert.False(Host.IsAlive(leader));
        Assert.False(Host.IsAlive(follower));
    }
}
