namespace Mvedsua.Follower.Tests;

/// <summary>A time that one thread stores and others read without a lock: tests/native/follower/ticks.c.</summary>
public sealed class TickTests : MomentServers
{
    [Fact]
    public void Every_thread_of_a_follower_finds_the_second_that_its_leaders_found()
    {
        RedisUnderMvedsua server = StartServer("ticks", RedisUnderMvedsua.Mode.Followed, "timed");
        using var load = new ManyClients(4, _ => new Client(server));
        load.More(100);
        Tick(server, load, 2 * Host.Rounds, 4);
    }

    /// <summary>Its waits never run out of time; in the first seconds it is taken for a timekeeper all the same.</summary>
    [Fact]
    public void A_follower_is_in_step_before_it_is_known_who_keeps_the_time()
    {
        RedisUnderMvedsua server = StartServer("ticks", RedisUnderMvedsua.Mode.Solo, "woken");
        using var load = new ManyClients(4, _ => new Client(server));
        load.More(100);
        server.Follow();
        Tick(server, load, 1, 2);
    }

    /// <summary>A tick finds it in the midst of pthread_mutex_lock: what it has read before is older.</summary>
    [Fact]
    public void A_thread_that_waits_for_a_lock_across_a_tick_has_found_the_second_before_it()
    {
        RedisUnderMvedsua server = StartServer("ticks", RedisUnderMvedsua.Mode.Followed, "held");
        using var line = new Line(server);
        Assert.NotNull(line.Ask("gate"));
        int follower = server.FollowerPid;
        for (int round = 0; round < 2 * Host.Rounds; round++)
        {
            Host.Kill(follower, Host.SIGSTOP);
            try
            {
                for (int i = 0; i < 3; i++) Assert.NotNull(line.Ask("gate"));
            }
            finally
            {
                Host.Kill(follower, Host.SIGCONT);
            }
            server.InStep("across a tick");
        }
    }

    /// <summary>Not at each of their events, for as long as it waits.</summary>
    [Fact]
    public void A_timekeeper_that_waits_for_another_thread_holds_the_others_up_once()
    {
        RedisUnderMvedsua server = StartServer("ticks", RedisUnderMvedsua.Mode.Followed, "joins");
        using var client = new Client(server);
        using var line = new Line(server);
        long end = client.Second() + 4, longest = 0;
        while (client.Second() < end)
            longest = Math.Max(longest, long.Parse(line.Ask("storm")!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(longest < 500, $"4,000 calls took {longest} ms: a millisecond each would be 4 s, or until the thread that is waited for ends, 0.7 s at least");
    }

    private static void Tick(RedisUnderMvedsua server, ManyClients load, int rounds, int seconds)
    {
        for (int round = 0; round < rounds; round++)
        {
            int follower = server.FollowerPid;
            Host.Kill(follower, Host.SIGSTOP); /* its threads get a backlog with ticks in it, which each reads on its own */
            try
            {
                using var client = new Client(server);
                long end = client.Second() + seconds;
                Host.Until(() => client.Second() >= end || load.Wrong is not null, "the seconds are over", 60);
            }
            finally
            {
                Host.Kill(follower, Host.SIGCONT);
            }
            load.More(100);
        }
        load.Finish();
        server.InStep();
    }

    private sealed class Client(RedisUnderMvedsua server) : ManyClients.IClient
    {
        private readonly Line _line = new(server);
        private long _second;

        internal long Second() => long.Parse(_line.Ask("?")!, System.Globalization.CultureInfo.InvariantCulture);

        public void Ask()
        {
            long second = Second();
            if (second < _second) throw new InvalidDataException($"time went from {_second} to {second}");
            _second = second;
        }

        public void Dispose() => _line.Dispose();
    }
}
