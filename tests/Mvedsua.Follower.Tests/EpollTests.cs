namespace Mvedsua.Follower.Tests;

/// <summary>What epoll tells once, and to whom, across a failover: tests/native/follower/edges.c.</summary>
public sealed class EpollTests : MomentServers
{
    private const string Wait = "mv_leader_complete if (call == 232 || call == 281) && result > 0",
                         Control = "mv_leader_complete if call == 233";

    [Theory]
    [InlineData("edge", false, Wait)]
    [InlineData("edge", true, Wait)] /* attached when the connection was registered already */
    [InlineData("shot", false, Wait)]
    [InlineData("shot", false, Control)] /* told and registered again, the latter not published */
    [InlineData("level", false, Wait)]
    public void An_event_that_the_dead_leader_had_in_its_hands_is_told_again(string mode, bool attachedLater, string place)
    {
        RedisUnderMvedsua server = StartServer("edges", attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed, mode);
        using var line = new Line(server);
        Assert.Equal("before", line.Ask("before"));
        if (attachedLater) server.Follow();
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, place);
        line.Say("during");
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("during", line.Answer());
        for (int i = 0; i < 10; i++) Assert.Equal($"after {i}", line.Ask($"after {i}"));
        server.Follow();
        Assert.Equal("followed again", line.Ask("followed again"));
        server.InStep();
    }

    [Fact]
    public void A_connection_that_the_dead_leader_had_just_registered_is_served()
    {
        RedisUnderMvedsua server = StartServer("edges", RedisUnderMvedsua.Mode.Followed, "level");
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, Control);
        using var line = new Line(server);
        line.Say("hello");
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("hello", line.Answer());
    }

    [Theory]
    [InlineData("level")]
    [InlineData("edge")]
    [InlineData("shot")]
    [InlineData("shared")]
    [InlineData("exclusive")]
    public void The_promoted_process_is_given_its_own_pointers(string mode)
    {
        RedisUnderMvedsua server = StartServer("edges", RedisUnderMvedsua.Mode.Followed, mode);
        var lines = Enumerable.Range(0, 6).Select(_ => new Line(server)).ToList();
        foreach (Line line in lines) Assert.Equal("one", line.Ask("one"));
        lines[2].Dispose(); /* its number and its memory are the next one's */
        lines[2] = new Line(server);
        foreach (Line line in lines) Assert.Equal("two", line.Ask("two"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        foreach (Line line in lines) Assert.Equal("three", line.Ask("three"));
        server.Follow();
        foreach (Line line in lines) Assert.Equal("four", line.Ask("four"));
        server.InStep();
        lines.ForEach(line => line.Dispose());
    }
}
