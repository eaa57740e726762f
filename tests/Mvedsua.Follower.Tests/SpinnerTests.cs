namespace Mvedsua.Follower.Tests;

/// <summary>Threads that find each other by words of memory for which they spin: the event log has no order of these.</summary>
public sealed class SpinnerTests : MomentServers
{
    /// <summary>tests/native/follower/spins.c. The follower's worker looks too early where its leader's did not, or the other way round: then it
    /// hangs, or makes another call.</summary>
    [Fact]
    public void A_follower_whose_threads_miss_each_other_is_ended_by_name_with_the_cause_and_no_client_notices()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Followed, ["--lag-limit", "3s"], server: OwnServer.Command("spins"), prepare: OwnServer.Compile("spins"));
        server.Answers();
        int leader = server.LeaderPid;
        using var line = new Line(server);
        Host.Until(() =>
        {
            Assert.Contains(line.Ask("ask"), (string[])["at once", "late"]);
            return server.FollowerPid == 0;
        }, "the follower has ended", 120);
        Assert.Matches("behind|diverged from the leader", server.History);
        Assert.Contains("atomics", server.Report());
        Assert.Contains(line.Ask("ask"), (string[])["at once", "late"]);
        Assert.Equal(leader, server.LeaderPid);
    }
}
