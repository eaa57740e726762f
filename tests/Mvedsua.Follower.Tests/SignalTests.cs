namespace Mvedsua.Follower.Tests;

/// <summary>Signals that a server sends to itself: tests/native/follower/masks.c.</summary>
public sealed class SignalTests : ServerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_signal_that_a_change_of_the_mask_lets_in_is_handled_before_the_call_returns(bool attachedLater)
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start(attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed,
                server: OwnServer.Command("masks"), prepare: OwnServer.Compile("masks"));
            server.Answers();
            using var client = new Line(server);
            int way = 0, handled = 0;
            void Load(int requests)
            {
                for (int i = 0; i < requests; i++, way++)
                {
                    handled += way % 10 == 0 ? 2 : 1;
                    Assert.Equal($"right {handled}", client.Ask($"{way}"));
                }
            }
            Load(100);
            if (attachedLater) server.Follow();
            Load(500);
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            Load(200);
            server.PromotedFrom(leader);
            server.Follow();
            Load(200);
            server.InStep();
        }
    }

    [Fact]
    public void A_signal_that_comes_before_a_local_call_has_its_place_at_the_next_published_one()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("locals"), prepare: OwnServer.Compile("locals"));
        server.Answers();
        using var line = new Line(server);
        for (int i = 0; i < 20; i++) Assert.StartsWith("0 ", line.Ask("map 2000"));
        server.InStepUnderLoad();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.StartsWith("0 ", line.Ask("map 2000"));
    }

    /// <summary>On a busy machine it may get none for longer than a signal may wait for a call.</summary>
    [Fact]
    public void A_thread_that_gets_no_processor_while_a_signal_waits_has_not_computed()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("computes"), prepare: OwnServer.Compile("computes"));
        server.Answers();
        using var line = new Line(server);
        Assert.Equal("done", line.Ask("compute"));
        Assert.Equal("0", line.Ask("handled"));
        server.InStep();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        using (var stopped = new StoppedThread(leader, "begins"))
        {
            line.Say("compute");
            stopped.Reached();
            Host.Kill(leader, Host.SIGUSR1); /* it goes on to the end with that */
            stopped.GoesOnTo("ends");
            Thread.Sleep(100); /* ten times as long as it may compute */
        }
        Assert.Equal("done", line.Answer());
        Assert.Equal("1", line.Ask("handled"));
        server.InStep();
        Assert.Equal(follower, server.FollowerPid);
    }

    [Theory]
    [InlineData("process", false)]
    [InlineData("process", true)]
    [InlineData("thread", false)]
    public void The_signals_of_a_descriptor_go_to_whoever_leads(string owner, bool attachedLater)
    {
        RedisUnderMvedsua server = Start(attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed,
            server: OwnServer.Command("owners", owner), prepare: OwnServer.Compile("owners"));
        server.Answers();
        using var line = new Line(server);
        string told = line.Ask("own")!;
        Assert.Equal("1 own own", told);
        if (attachedLater) server.Follow();
        Assert.Equal(told, line.Ask("poke"));
        for (int generation = 0; generation < 2; generation++)
        {
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            Assert.Equal(told, line.Ask("poke"));
            Assert.Equal(told, line.Ask("own"));
            server.Follow();
        }
    }
}
