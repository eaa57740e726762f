namespace Mvedsua.Follower.Tests;

/// <summary>Threads that hand over plain memory through descriptors, signals and children: tests/native/follower/handover.c. A stopped
/// follower has a backlog in every thread; as it goes on, only order words keep one thread from running ahead of the
/// other.</summary>
public sealed class HandOverTests : MomentServers
{
    private int _semaphore;

    [Theory]
    [InlineData("p")]
    [InlineData("e")]
    [InlineData("x")]
    [InlineData("o")]
    [InlineData("u")]
    [InlineData("t")]
    [InlineData("n")]
    [InlineData("i")]
    [InlineData("c")]
    [InlineData("w")]
    [InlineData("k")]
    [InlineData("l")]
    [InlineData("s")]
    [InlineData("m")]
    [InlineData("f")]
    public void What_a_thread_wrote_before_it_let_another_go_on_is_there_in_the_follower(string way)
    {
        RedisUnderMvedsua server = StartServer("handover", RedisUnderMvedsua.Mode.Followed, way);
        if (way == "s") _semaphore = server.Port;
        using var client = new Numbers(server, way);
        client.Load(20);
        for (int round = 0; round < 2 * Host.Rounds; round++)
        {
            LoadWithABacklog(server, client);
            server.InStep();
        }
        if (way == "s") return; /* what a dead leader did to a semaphore can't be told */
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        client.Load(100);
        server.PromotedFrom(leader);
        server.Follow();
        LoadWithABacklog(server, client);
        server.InStep();
    }

    /// <summary>Ways whose every call can be settled: the kill may come between a call and its record.</summary>
    [Theory]
    [InlineData("x")]
    [InlineData("o")]
    [InlineData("u")]
    [InlineData("n")]
    [InlineData("i")]
    [InlineData("c")]
    [InlineData("l")]
    public void A_leader_that_dies_with_a_backlog_of_such_calls_is_succeeded(string way)
    {
        for (int round = 0; round < 3 * Host.Rounds; round++)
        {
            RedisUnderMvedsua server = StartServer("handover", RedisUnderMvedsua.Mode.Followed, way);
            using var client = new Numbers(server, way);
            int follower = server.FollowerPid, leader = server.LeaderPid;
            Host.Kill(follower, Host.SIGSTOP);
            client.Load(100);
            client.Say();
            Host.Kill(leader, Host.SIGKILL);
            Host.Kill(follower, Host.SIGCONT);
            client.Answer();
            client.Load(100);
            server.PromotedFrom(leader);
        }
    }

    private const string Adds = "mv_leader_complete if call == 233 && args[1] == 1", Enables = "mv_leader_complete if call == 233 && args[1] == 3",
                         Connects = "mv_leader_complete if call == 42", Unlocks = "mv_leader_complete if call == 73 && args[1] == 8";

    /// <summary>The main thread dies in a call that is made and has no record, by which the worker has gone on: to `other`.</summary>
    [Theory]
    [InlineData("x", Adds, "mv_leader_complete if call == 232")]                   /* told of the registration: not recorded */
    [InlineData("x", Adds, "mv_leader_complete if call == 233 && args[1] == 2")]   /* … recorded, its removal not */
    [InlineData("x", Adds, "mv_leader_complete if call == 1")]                     /* … removed, the answer not recorded */
    [InlineData("x", Adds, "mv_interruptible_check if $rax == 232")]               /* … all of it */
    [InlineData("o", Enables, "mv_leader_complete if call == 232")]
    [InlineData("o", Enables, "mv_leader_complete if call == 1")]
    [InlineData("o", Enables, "mv_interruptible_check if $rax == 232")]
    [InlineData("n", Connects, "mv_leader_complete if call == 43")]                /* the connection is accepted */
    [InlineData("n", Connects, "mv_leader_complete if call == 1")]
    [InlineData("n", Connects, "mv_interruptible_check if $rax == 299")]           /* the worker reads from it */
    [InlineData("l", Unlocks, "mv_leader_complete if call == 73 && args[1] == 2")] /* the lock is the worker's */
    public void A_call_by_which_another_thread_went_on_is_made_once(string way, string call, string other)
    {
        RedisUnderMvedsua server = StartServer("handover", RedisUnderMvedsua.Mode.Followed, way);
        using var client = new Numbers(server, way);
        client.Load(20);
        server.InStep();
        int leader = server.LeaderPid;
        using (var late = new StoppedThread(server.FollowerPid, "strtol"))
        {
            using var stopped = new StoppedThread(leader, call);
            stopped.AlsoAt(other);
            client.Say();
            stopped.Reached(2);
            late.Reached(); /* the follower's main thread has not written yet what the worker reads */
            stopped.Kill(leader);
            for (int i = 0; i < 2; i++) Assert.Equal(leader, server.LeaderPid); /* nobody leads before that thread has come to its call */
        }

        client.Answer();
        client.Load(100);
        server.PromotedFrom(leader);
        Assert.DoesNotContain("dead leader", server.Log);
    }

    private static void LoadWithABacklog(RedisUnderMvedsua server, Numbers client)
    {
        int follower = server.FollowerPid;
        Host.Kill(follower, Host.SIGSTOP);
        try
        {
            client.Load(200);
        }
        finally
        {
            Host.Kill(follower, Host.SIGCONT);
        }
    }

    public override void Dispose()
    {
        if (_semaphore != 0) Host.Run("/", "ipcrm", "-S", $"{_semaphore}");
        base.Dispose();
    }

    private sealed class Numbers(RedisUnderMvedsua server, string way) : IDisposable
    {
        private readonly Line _client = new(server);
        private int _number;

        internal void Load(int requests)
        {
            for (int i = 0; i < requests; i++)
            {
                Say();
                Answer();
            }
        }

        internal void Say() => _client.Say($"{way} {++_number}");

        internal void Answer() => Assert.Equal($"{_number * 3 + 1}", _client.Answer());

        public void Dispose() => _client.Dispose();
    }
}

/// <summary>A lock of the follower's that is another than its leader's: tests/native/follower/locks.c.</summary>
public sealed class OtherLockTests : MomentServers
{
    [Fact]
    public void A_follower_that_takes_another_lock_than_its_leader_is_ended()
    {
        RedisUnderMvedsua server = StartServer("locks", RedisUnderMvedsua.Mode.Followed);
        using var client = new Line(server);
        Assert.Equal("1", client.Ask("1"));
        server.InStep();
        Assert.True(OtherMemory.Poke(server.FollowerPid, "the lock to be taken is 0", "the lock to be taken is 1") > 0, "the choice is in the follower's memory");
        Assert.Equal("2", client.Ask("2"));
        Assert.Contains("took locks", server.FollowerEnded());
        Assert.Equal("3", client.Ask("3"));
    }
}
