namespace Mvedsua.Follower.Tests;

/// <summary>Locks, conditions, timed waits, threads that come and go: tests/native/follower/workers.c.</summary>
public sealed class ThreadTests : ServerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Threads_under_load_stay_in_step_and_survive_a_failover(bool attachedLater)
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start(attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed,
                server: OwnServer.Command("workers"), prepare: OwnServer.Compile("workers"));
            server.Answers();
            using var client = new Lines(server);
            client.Load(300);
            if (attachedLater) server.Follow(); /* one thread waits on a condition since the start */
            client.Load(1000);
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            client.Load(300);
            server.PromotedFrom(leader);
            server.Follow();
            client.Load(300);
            server.InStep();
        }
    }

    [Fact]
    public void A_follower_is_attached_again_and_again_while_threads_come_and_go()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: OwnServer.Command("workers"), prepare: OwnServer.Compile("workers"));
        server.Answers();
        using var client = new Lines(server);
        for (int i = 0; i < 20 * Host.Rounds; i++)
        {
            using var stop = new CancellationTokenSource();
            Exception? wrong = null;
            var load = new Thread(() =>
            {
                try { while (!stop.IsCancellationRequested) client.Load(50); }
                catch (Exception e) { wrong = e; }
            });
            load.Start();
            try
            {
                server.Follow();
                server.InStepUnderLoad();
            }
            finally
            {
                stop.Cancel();
                load.Join();
            }
            Assert.Null(wrong);
            server.InStep(); /* every thread of it: none was left parked */
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
        server.Follow();
        server.InStep();
    }

    /// <summary>Their clients are on this machine, but no end of a connection is the server's own: it has connected a Unix socket only.</summary>
    [Fact]
    public void Threads_that_serve_a_client_each_do_not_wait_for_each_other()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("moments"), prepare: OwnServer.Compile("moments"));
        server.Answers();
        using var first = new Line(server);
        Assert.Equal("ok", first.Ask("look up"));
        using Line slow = new(server), quick = new(server); /* what a connection is, is looked up once */
        foreach (Line line in (Line[])[slow, quick]) Assert.Equal("ok", line.Ask("nothing"));
        server.InStep();
        using var stopped = new StoppedThread(server.FollowerPid, "write");
        Assert.Equal("ok", slow.Ask("nothing"));
        stopped.Reached(); /* before it answers, too */
        for (int i = 0; i < 100; i++) Assert.Equal("ok", quick.Ask("nothing"));
        Host.Until(() => server.Status().GetProperty("lag").GetProperty("events").GetInt64() < 10, "the other thread of the follower goes on");
    }

    /// <summary>One connection; each answer must be the sum that follows from all values so far, in some order of the workers.</summary>
    internal sealed class Lines(RedisUnderMvedsua server) : IDisposable
    {
        private readonly Line _client = new(server);
        private long _sum;
        private int _value;

        internal void Load(int requests)
        {
            for (int i = 0; i < requests; i++)
            {
                long value = ++_value;
                for (int job = 0; job < 3; job++) _sum = unchecked(_sum * 31 + value + job); /* taken from the queue in order */
                if (value % 7 == 0) _sum += 1000;
                Assert.Equal($"{_sum:x}", _client.Ask($"{value}"));
            }
        }

        public void Dispose() => _client.Dispose();
    }
}
