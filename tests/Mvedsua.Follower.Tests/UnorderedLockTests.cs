namespace Mvedsua.Follower.Tests;

/// <summary>Locks whose order is not replayed, held over calls that are: tests/native/follower/unordered.c.</summary>
public sealed class UnorderedLockTests : MomentServers
{
    /// <summary>The follower's thread that has the lock waits for a call that its dead leader's never made; the one whose leader had it waits for
    /// the lock. A debugger holds that one until the other has it.</summary>
    [Fact]
    public void Threads_that_wait_for_each_other_in_another_order_than_in_the_dead_leader_do_not_hold_up_the_takeover()
    {
        using var threads = new Threads(StartServer("unordered", RedisUnderMvedsua.Mode.Followed));
        threads.HoldFirst();
        Assert.Equal("held", threads.First.Ask("hold"));
        Host.Until(() => Tracee.IsIn(Read, threads.Leader, "first"), "the leader's thread has published what it said");
        threads.TakeAndDie();
        Assert.Equal("taken", threads.Second.Answer());
        Assert.Null(threads.First.Answer()); /* shut down, by name: it would be told twice */
        Assert.Contains("is shut down", threads.Server.Log);
        Assert.Contains("wait for each other", threads.Server.Log);
        threads.GoOn();
    }

    /// <summary>As above, but the leader dies between its thread's call and the record of it: a debugger holds that one, too. Whether the call was
    /// made is told as our thread comes to it, however late.</summary>
    [Fact]
    public void A_call_whose_leader_died_before_it_was_recorded_is_not_made_again_by_a_thread_that_comes_to_it_after_the_takeover()
    {
        using var threads = new Threads(StartServer("unordered", RedisUnderMvedsua.Mode.Followed));
        threads.HoldFirst();
        int writer = Tracee.Named(threads.Leader, "first");
        Tracee.Stop(writer);
        threads.First.Say("hold");
        Tracee.StopAfter(writer, Write, "held\n".Length);
        Assert.Equal("held", threads.First.Answer());
        threads.TakeAndDie();
        Assert.Equal("taken", threads.Second.Answer());
        Assert.Contains("a thread did not come to the call that its dead leader was making", threads.Server.Log);
        Assert.Equal("released", threads.First.Ask("release"));
        threads.GoOn();
    }

    private const int Read = 0, Write = 1, Futex = 202;

    /// <summary>Three connections, each with its thread in the leader and in the follower.</summary>
    private sealed class Threads : IDisposable
    {
        private int _slow;

        internal Threads(RedisUnderMvedsua server)
        {
            Server = server;
            (First, Second, Third) = (new Line(server), new Line(server), new Line(server));
            Assert.Equal("ok", First.Ask("name first"));
            Assert.Equal("ok", Second.Ask("name second"));
            Assert.Equal("ok", Third.Ask("name third"));
            server.InStep();
            (Leader, Follower) = (server.LeaderPid, server.FollowerPid);
        }

        internal RedisUnderMvedsua Server { get; }
        internal Line First { get; }
        internal Line Second { get; }
        internal Line Third { get; }
        internal int Leader { get; }
        internal int Follower { get; }

        internal void HoldFirst()
        {
            _slow = Tracee.Named(Follower, "first");
            Tracee.Stop(_slow);
        }

        /// <summary>The leader's second thread waits for the lock and dies so; the follower's has it. Then the first goes on.</summary>
        internal void TakeAndDie()
        {
            Second.Say("take");
            Host.Until(() => Tracee.IsIn(Futex, Leader, "second"), "the leader's thread waits for the lock");
            Host.Kill(Leader, Host.SIGKILL);
            Host.Until(() => SecondHasCome(), "the follower's thread has the lock, and has found its leader dead");
            Tracee.Call(Tracee.DETACH, _slow, 0);
            Assert.Equal(Follower, Server.PromotedFrom(Leader));
        }

        internal void GoOn()
        {
            Assert.Equal("taken", Third.Ask("take"));
            Server.Follow();
            Assert.Equal("taken", Third.Ask("take"));
            Server.InStep();
        }

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
            Third.Dispose();
        }

        /// <summary>Threads that have read all wait for the takeover, at a futex of their own process (those of the log are shared); but for
        /// the one that takes over.</summary>
        private bool SecondHasCome() => AwaitsTakeover("second") || (AwaitsTakeover("third") && AwaitsTakeover("unordered"));

        private bool AwaitsTakeover(string thread) => Tracee.IsIn(Futex, Follower, thread, " 0x80 ");
    }
}
