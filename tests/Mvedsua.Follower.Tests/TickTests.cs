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
        for (int round = 0; round < 2 * Host.Rounds; round++)
        {
            Behind(server, () =>
            {
                for (int i = 0; i < 3; i++) Assert.NotNull(line.Ask("gate"));
            });
            server.InStep("across a tick");
        }
    }

    /// <summary>As in a server that starts: its main thread has read the clock in that second, before it made the other.</summary>
    [Fact]
    public void A_first_time_is_found_by_a_thread_just_made_where_its_leaders_found_it()
    {
        RedisUnderMvedsua server = StartServer("ticks", RedisUnderMvedsua.Mode.Followed, "first");
        for (int round = 0; round < 3; round++)
        {
            using var line = new Line(server);
            Behind(server, () => Assert.InRange(long.Parse(line.Ask("beside")!, System.Globalization.CultureInfo.InvariantCulture), 1, long.MaxValue));
            server.InStep("after a first time");
        }
    }

    /// <summary>A thread that has not come to the processor yet misses nothing: it begins behind the first time, in a follower too.</summary>
    [Fact]
    public void A_first_time_waits_for_no_thread_that_has_not_begun()
    {
        RedisUnderMvedsua server = StartServer("ticks", RedisUnderMvedsua.Mode.Followed, "first");
        int leader = server.LeaderPid;
        using var line = new Line(server);
        Behind(server, () =>
        {
            using (var stopped = new StoppedThread(leader, "mv_thread_introduce"))
            {
                line.Say("at once");
                stopped.Reached();
                Host.Until(() => File.ReadAllText($"/proc/{leader}/syscall").StartsWith("202 ", StringComparison.Ordinal), "the main thread waits in pthread_join");
            }
            Assert.Equal("0", line.Answer());
        });
        server.InStep("after a first time");
    }

    /// <summary>The follower stands still meanwhile: each of its threads gets a backlog of what they did side by side.</summary>
    private static void Behind(RedisUnderMvedsua server, Action action)
    {
        int follower = server.FollowerPid;
        Host.Kill(follower, Host.SIGSTOP);
        try
        {
            action();
        }
        finally
        {
            Host.Kill(follower, Host.SIGCONT);
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
            Behind(server, () =>
            {
                using var client = new Client(server);
                long end = client.Second() + seconds;
                Host.Until(() => client.Second() >= end || load.Wrong is not null, "the seconds are over", 60);
            });
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
