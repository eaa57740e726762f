namespace Mvedsua.Follower.Tests;

/// <summary>Who of those that meet at a barrier is told that it is the one: tests/native/follower/rounds.c.</summary>
public sealed class BarrierTests : MomentServers
{
    private const int Futex = 202;

    /// <summary>The leader's second thread was told so, and that is recorded; the first died before its record. Here the first comes last, and would be
    /// the one, too.</summary>
    [Fact]
    public void Nobody_else_is_the_one_whom_a_dead_leader_told_so()
    {
        using var meeting = new Meeting(StartServer("rounds", RedisUnderMvedsua.Mode.Followed));
        int late = Meeting.Hold(meeting.Follower, "first");
        meeting.First.Say("meet");
        Meeting.Waits(meeting.Leader, "first");
        Meeting.Hold(meeting.Leader, "first");
        Assert.Equal("1", meeting.Second.Ask("meet"));
        Meeting.Waits(meeting.Follower, "second");
        meeting.DiesBefore(late);
        Assert.Equal("0", meeting.First.Answer());
        meeting.GoesOn();
    }

    /// <summary>The other way round: here the thread came last whose record says that it is not the one; the one's was lost with the leader.</summary>
    [Fact]
    public void Somebody_is_the_one_whose_record_died_with_its_leader()
    {
        using var meeting = new Meeting(StartServer("rounds", RedisUnderMvedsua.Mode.Followed));
        int late = Meeting.Hold(meeting.Follower, "second");
        meeting.Second.Say("meet");
        Meeting.Waits(meeting.Leader, "second");
        using (var told = new StoppedThread(meeting.Leader, "mv_barrier_passed if result == -1"))
        {
            meeting.First.Say("meet");
            told.Reached();
            Assert.Equal("0", meeting.Second.Answer());
            Meeting.Waits(meeting.Follower, "first");
            meeting.DiesBefore(late);
        }
        Assert.Equal("1", meeting.First.Answer());
        meeting.GoesOn();
    }

    private sealed class Meeting : IDisposable
    {
        private readonly RedisUnderMvedsua _server;

        internal Meeting(RedisUnderMvedsua server)
        {
            _server = server;
            (First, Second) = (new Line(server), new Line(server));
            Assert.Equal("ok", First.Ask("name first"));
            Assert.Equal("ok", Second.Ask("name second"));
            server.InStep();
            (Leader, Follower) = (server.LeaderPid, server.FollowerPid);
        }

        internal Line First { get; }
        internal Line Second { get; }
        internal int Leader { get; }
        internal int Follower { get; }

        internal static int Hold(int pid, string thread)
        {
            int tid = Tracee.Named(pid, thread);
            Tracee.Stop(tid);
            return tid;
        }

        internal static void Waits(int pid, string thread) => Host.Until(() => Tracee.IsIn(Futex, pid, thread), $"{thread} of {pid} waits at the barrier");

        /// <summary>The leader dies; then the follower's thread comes to the barrier.</summary>
        internal void DiesBefore(int late)
        {
            Host.Kill(Leader, Host.SIGKILL);
            Tracee.Call(Tracee.DETACH, late, 0);
            Assert.Equal(Follower, _server.PromotedFrom(Leader));
        }

        internal void GoesOn()
        {
            Meet();
            _server.Follow();
            Meet();
            _server.InStep();
        }

        private void Meet()
        {
            First.Say("meet");
            Second.Say("meet");
            string[] told = [First.Answer()!, Second.Answer()!];
            Assert.Equal(["0", "1"], told.Order());
        }

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
        }
    }
}
