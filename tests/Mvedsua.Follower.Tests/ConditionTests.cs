namespace Mvedsua.Follower.Tests;

/// <summary>Waits for conditions that a failover or a promotion finds under way: tests/native/follower/wakes.c, whose threads take each
/// wake-up for a signal.</summary>
public sealed class ConditionTests : MomentServers
{
    private const string Nobody = "0 0 0 0 0, 0";
    private const string Each = "1 1 1 1 1, 2";

    /// <summary>POSIX allows a wake-up for nothing; memcached takes it for the order to double its hash table.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nobody_is_woken_by_a_failover_or_a_promotion(bool dies)
    {
        RedisUnderMvedsua server = StartServer("wakes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(Nobody, line.Ask("counts"));
            server.InStep();
            int leader = server.LeaderPid;
            if (dies)
            {
                Host.Kill(leader, Host.SIGKILL);
                server.PromotedFrom(leader);
                server.Follow();
            }
            else
            {
                Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
                Assert.True(result.Status == 0, result.Errors);
            }
        }
        /* Whoever was woken meanwhile has been, or is before the one that is signalled last. */
        for (int way = 0; way < 5; way++) line.Ask($"signal {way}");
        Counts(line, "1 1 1 1 1, 0");
        Assert.Equal("ok", line.Ask("loose"));
        Counts(line, "2 2 2 2 2, 2");
        server.InStep();
    }

    /// <summary>The leader's thread has been woken, and dies before that is told.</summary>
    [Fact]
    public void A_signal_that_the_dead_leader_had_given_wakes_its_waiter()
    {
        RedisUnderMvedsua server = StartServer("wakes", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        Assert.Equal(Nobody, line.Ask("counts"));
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, "mv_order_publish if kind == 3"); /* MV_ORDER_WAIT */
        Assert.Equal("ok", line.Ask("loose"));
        stopped.Reached();
        server.InStep();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Counts(line, Each);
        server.Follow();
        Assert.Equal("ok", line.Ask("loose"));
        Counts(line, "2 2 2 2 2, 4");
        server.InStep();
    }

    /// <summary>It has seen that nobody has signalled, and is not among libc's waiters yet; others wait for the lock that it holds.</summary>
    [Fact]
    public void A_signal_that_comes_as_the_promoted_process_goes_back_to_wait_wakes_its_waiter()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: OwnServer.Command("wakes"), prepare: OwnServer.Compile("wakes"), products: variant.Products,
            faults: "nap:condition-untold");
        server.Answers();
        using var line = new Line(server);
        Assert.Equal(Nobody, line.Ask("counts"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        Host.Until(() => server.Log.Contains("naps at condition-untold, passage 1: now"), "a thread goes back to wait");
        Assert.Equal("ok", line.Ask("loose"));
        server.PromotedFrom(leader);
        Counts(line, Each);
    }

    /// <summary>A debugger holds the thread that is signalled until it is to park; the leader dies before it lets it go on.</summary>
    [Theory]
    [InlineData("wait", "signal 0", "1 0 0 0 0, 0")]
    [InlineData("c11-timed", "signal 4", "0 0 0 0 1, 0")]
    public async Task A_signal_that_was_given_before_the_copy_wakes_its_waiter_there(string thread, string signal, string counts)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: OwnServer.Command("wakes"), prepare: OwnServer.Compile("wakes"),
            products: variant.Products, faults: "stop:attach-copied");
        server.Answers();
        using var line = new Line(server);
        Assert.Equal(Nobody, line.Ask("counts"));
        int leader = server.LeaderPid, waiter = Tracee.Named(leader, thread);
        Tracee.Stop(waiter);
        Assert.Equal(Nobody, line.Ask(signal));
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        Host.Until(() => Tracee.HasPendingKick(leader, waiter), "the thread is to park");
        Tracee.Call(Tracee.DETACH, waiter, 0);
        Host.Until(() => server.Log.Contains("stops at attach-copied, passage 1: now"), "the leader stands still");
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Counts(line, counts);
        Assert.Equal(0, (await follow).Status); /* by whoever leads now */
    }

    private static void Counts(Line line, string expected)
    {
        string? counts = null;
        Host.Until(() => (counts = line.Ask("counts")) == expected, $"the waiters are woken ({expected})");
        Assert.Equal(expected, line.Ask("counts"));
    }
}
