using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>Fault points: somebody dies exactly there, says so, and the server serves on.</summary>
public sealed class FaultTests : ServerTests
{
    [Theory]
    [InlineData("before-intent:300")]
    [InlineData("before-call:300")]
    [InlineData("after-call:300")]
    [InlineData("in-record:300")]
    [InlineData("record-written:300")]
    [InlineData("published:300")]
    [InlineData("log-full")]
    [InlineData("log-grown")]
    [InlineData("log-jump")]
    [InlineData("before-fork")]
    [InlineData("after-fork")]
    [InlineData("attach-copied")]
    [InlineData("attach-staged")]
    [InlineData("attach-linked")]
    [InlineData("attach-released")]
    [InlineData("attach-answered")]
    public void A_leader_that_dies_at_a_point_is_succeeded(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: point);
        using var load = new CheckedLoad(server, 5);
        using RespClient client = server.Connect();
        client.Ok("BGSAVE");
        Host.Until(() => Deaths(server).Length > 0 || load.Wrong is not null, "the leader dies");
        Assert.True(load.Wrong is null, load.Wrong);
        Assert.Equal([$"the leader dies at {Name(point)}, passage {Count(point)}"], Deaths(server));
        server.PromotedFrom(int.Parse(Regex.Match(server.Log, "server started, pid ([0-9]+)").Groups[1].Value));
        load.More(1000);
        load.Finish();
        server.Follow();
        server.InStep();
        client.Ok("SET", "served", "on");
        Assert.Single(Deaths(server));
    }

    /// <summary>It is made to whoever leads then: the copy that it asked for.</summary>
    [Theory]
    [InlineData("attach-copied")]
    [InlineData("attach-staged")]
    [InlineData("attach-linked")]
    [InlineData("attach-released")]
    [InlineData("attach-answered")]
    public void A_request_that_its_leader_did_not_live_to_answer_is_made_again(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, products: variant.Products, faults: point);
        int leader = server.LeaderPid;
        long begin = Stopwatch.GetTimestamp();
        server.Follow();
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, 8); /* the time limit of an answer is 10 s */
        Assert.NotEqual(leader, server.PromotedFrom(leader));
        if (point == "attach-answered" && server.FollowerPid == 0) server.Follow(); /* the copy may have been in step before */
        server.InStep();
        Assert.Single(server.Status().GetProperty("followers").EnumerateArray()); /* by whoever it was made, it was made once */
        Assert.Single(Deaths(server));
    }

    /// <summary>What could break it: the leader takes its death words back before it makes a copy, and the keeper sleeps on them.</summary>
    [Theory]
    [InlineData("attach-uncopied")]
    [InlineData("attach-copied")]
    [InlineData("attach-linked")]
    public async Task A_leader_that_dies_as_it_attaches_a_second_follower_is_succeeded(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: $"{point}:1:leader:2");
        server.InStep();
        int leader = server.LeaderPid;
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        Assert.NotEqual(leader, server.PromotedFrom(leader));
        using (RespClient client = server.Connect()) client.Ok("SET", "served", "on");
        await follow;
        Assert.Single(Deaths(server));
    }

    /// <summary>No word tells of it then, and nobody is left who would. What could break it: the first follower waits for a record for ever.</summary>
    [Fact]
    public async Task A_leader_that_dies_with_its_keeper_as_it_attaches_a_second_follower_is_succeeded()
    {
        RedisUnderMvedsua server = Start();
        server.InStep();
        (int leader, int keeper) = (server.LeaderPid, server.KeeperPid);
        Task<Host.Result> follow;
        using (var gdb = new StoppedThread(leader, "mv_keeper_bury"))
        {
            follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
            gdb.Reached();
            Host.Kill(keeper, Host.SIGKILL);
            gdb.Kill(leader);
        }
        Assert.NotEqual(leader, server.PromotedFrom(leader));
        using (RespClient client = server.Connect()) client.Ok("SET", "served", "on");
        await follow;
    }

    /// <summary>It dies before the kernel has been given the words by which it tells its death. What could break it: a process for which nobody has
    /// waited still has a number.</summary>
    [Fact]
    public async Task A_leader_that_nobody_has_waited_for_is_known_to_be_dead()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, products: variant.Products, faults: "stop:attach-copied");
        int leader = server.LeaderPid;
        using RespClient client = server.Connect();
        client.Ok("SET", "kept", "value");
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        Host.Until(() => server.Log.Contains("stops at attach-copied, passage 1: now"), "the leader stands still");
        Host.Kill(server.CoordinatorPid, Host.SIGSTOP);
        Host.Kill(leader, Host.SIGKILL);
        client.Expect(RespClient.Bulk("value"), "GET", "kept");
        Host.Kill(server.CoordinatorPid, Host.SIGCONT);
        await follow;
        server.PromotedFrom(leader);
    }

    /// <summary>The copy's main thread makes the others again, one by one. What could break it: one of them finds the leader dead and takes over
    /// before the last is there, which then begins as a follower's.</summary>
    [Fact]
    public async Task A_copy_takes_over_when_all_its_threads_are_made()
    {
        using Variant variant = Variant.WithFaults();
        /* (Idle: what its main thread had left to read would be waited for anyway.) */
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, redis: ["--save", "", "--hz", "1", "--dynamic-hz", "no"],
            products: variant.Products, faults: "nap:copy-threads:3");
        int leader = server.LeaderPid, threads = Threads(leader);
        using FileStream memory = server.Memory();
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        Match naps = Match.Empty;
        Host.Until(() => (naps = Regex.Match(server.Log, @"\[([0-9]+)\] .* naps at copy-threads, passage 3: now")).Success, "half of the threads are made");
        Host.Kill(leader, Host.SIGKILL);
        byte[] leads = new byte[8]; /* control.leads */
        Host.Until(() => RandomAccess.Read(memory.SafeFileHandle, leads, 152) == leads.Length && leads[0] != 0, "the copy leads");
        Assert.Equal(threads, Threads(int.Parse(naps.Groups[1].Value)));
        await follow;
        server.PromotedFrom(leader);
    }

    private static int Threads(int pid) => Directory.GetDirectories($"/proc/{pid}/task").Length;

    [Theory]
    [InlineData("copy-begun", "follower")]
    [InlineData("copy-reads", "follower")]
    [InlineData("copy-threads:2", "follower")]
    [InlineData("copy-whole", "follower")]
    [InlineData("replay-matched:300", "follower")]
    [InlineData("replay-filled:300", "follower")]
    [InlineData("replay-consumed:300", "follower")]
    [InlineData("keeper-wakes", "keeper")]
    [InlineData("keeper-kept", "keeper")]
    public void A_follower_or_keeper_that_dies_at_a_point_is_replaced(string point, string role)
    {
        using Variant variant = Variant.WithFaults();
        bool attached = point == "copy-threads:2"; /* later there are threads that must be made again */
        RedisUnderMvedsua server = attached
            ? Start(RedisUnderMvedsua.Mode.Solo, products: variant.Products, faults: point)
            : Start(products: variant.Products, faults: point);
        using var load = new CheckedLoad(server, 5);
        if (attached) server.Mvedsua("follow", RedisUnderMvedsua.Name);
        Host.Until(() => Deaths(server).Length > 0 || load.Wrong is not null, "it dies");
        Assert.Equal([$"the {role} dies at {Name(point)}, passage {Count(point)}"], Deaths(server));
        load.More(1000);
        if (role == "follower")
        {
            server.FollowerEnded();
            server.Follow();
        }
        load.Finish();
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        using RespClient client = server.Connect();
        client.Ok("SET", "served", "on");
    }

    /// <summary>It dies holding the locks of a log, and is not replaced before the follower goes: the leader looks after it every 4,096 events.</summary>
    [Fact]
    public void A_follower_is_made_though_the_last_keeper_died_in_the_middle_of_a_step()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "keeper-collects");
        Host.Until(() => Deaths(server).Length > 0, "the keeper dies");
        server.Mvedsua("unfollow", RedisUnderMvedsua.Name);
        server.Follow();
        server.InStep();
    }

    /// <summary>All threads but one wait in a pthread function, so one of these takes over, on the program's stack, where a kick parks it at
    /// once. What could break it: the copy's thread goes on with the takeover, of a leader that lives.</summary>
    [Theory]
    [InlineData("takeover-told")]
    [InlineData("thread-freed")]
    [InlineData("takeover-done")]
    public void No_copy_is_made_in_the_middle_of_a_takeover(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: OwnServer.Command("waiters", "8"), prepare: OwnServer.Compile("waiters"), products: variant.Products, faults: $"nap:{point}");
        server.Answers();
        using var line = new Line(server);
        string?[] sums = [line.Ask("b 8"), line.Ask("b 8")]; /* all of them have come to wait as a follower's threads */
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        Host.Until(() => server.Log.Contains($"naps at {point}, passage 1: now"), "the takeover is under way");
        int promoted = server.PromotedFrom(leader);
        server.Follow();
        sums = [.. sums, line.Ask("b 8"), line.Ask("s 8")];
        server.InStep();
        Assert.Equal(promoted, server.LeaderPid);
        Host.Kill(promoted, Host.SIGKILL);
        server.PromotedFrom(promoted);
        sums = [.. sums, line.Ask("b 8")];
        Assert.All(sums, Assert.NotNull);
    }

    /// <summary>A thread has its turn at a lock, and waits for it: its leader has died, and another thread, of no turn now, was faster. Then a
    /// copy is made. What could break it: once it has the lock it moves the next leader's clock, and its copy another's.</summary>
    [Fact]
    public void A_turn_that_a_dead_leader_gave_is_void_in_the_next_copy()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: OwnServer.Command("moments"), prepare: OwnServer.Compile("moments"), products: variant.Products, faults: "nap:turn-given");
        server.Answers();
        using var line = new Line(server);
        using var other = new Line(server);
        line.Say("hold"); /* the lock is the last that its thread tells for a second */
        Host.Until(() => server.Log.Contains("naps at turn-given, passage 1: now"), "the follower's thread has its turn");
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        int promoted = server.PromotedFrom(leader);
        other.Say("hold");
        server.Follow(); /* the nap ends */
        string?[] answers = [line.Answer(), other.Answer()];
        Assert.Equal(["1", "2"], answers.Order());
        Assert.Equal("3", other.Ask("hold"));
        server.InStep();
        Assert.Equal(promoted, server.LeaderPid);
        Host.Kill(promoted, Host.SIGKILL);
        server.PromotedFrom(promoted);
        Assert.Equal("4", line.Ask("hold"));
    }

    /// <summary>A fork's handlers take locks that another thread needs to read on, as an allocator's do. What could break it: the follower's
    /// thread takes them, then waits for the fork's record, of a dead leader, while the other can't read what is left of its own.</summary>
    [Theory]
    [InlineData("before-fork")]
    [InlineData("after-fork")]
    public void A_leader_that_dies_in_a_fork_is_succeeded_whatever_locks_the_fork_takes(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: OwnServer.Command("forks"), prepare: OwnServer.Compile("forks"), products: variant.Products, faults: $"{point}:2");
        server.Answers();
        int leader = server.LeaderPid;
        using var line = new Line(server);
        Assert.Equal("1", line.Ask("f"));
        Assert.Equal("2", line.Ask("f"));
        server.PromotedFrom(leader);
        Assert.Equal("3", line.Ask("f"));
    }

    /// <summary>A reading of the clock makes no call: it is published by a hook, on the program's stack. What could break it: a signal that finds it
    /// there publishes the death into the record that is being written, or behind a chunk that nothing leads to yet.</summary>
    [Theory]
    [InlineData("in-record:1000")]
    [InlineData("record-written:1000")]
    [InlineData("published:1000")]
    [InlineData("log-full")]
    [InlineData("log-grown")]
    [InlineData("log-jump")]
    public void A_leader_that_crashes_as_it_publishes_a_reading_of_the_clock_is_succeeded(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: OwnServer.Command("outcomes"), prepare: OwnServer.Compile("outcomes"), products: variant.Products, faults: $"stop:{point}");
        server.Answers();
        int leader = server.LeaderPid;
        using var line = new Line(server);
        line.Say("clock");
        Host.Until(() => server.Log.Contains($"stops at {Name(point)}, passage {Count(point)}: now"), "the leader stands still");
        Host.Kill(leader, Host.SIGSEGV);
        Host.Kill(leader, Host.SIGCONT);
        Assert.Equal("5000", line.Answer());
        server.PromotedFrom(leader);
    }

    [Fact]
    public void The_seed_alone_says_who_dies_where_in_each_generation()
    {
        using Variant variant = Variant.WithFaults();
        string Drawn(string seed)
        {
            RedisUnderMvedsua server = Start(products: variant.Products, faults: seed);
            Host.Until(() => server.Log.Contains("fault: generation 1 of seed"), "a death is drawn");
            return Regex.Match(server.Log, "fault: generation 1 .*").Value;
        }
        string[] drawn = [.. Enumerable.Range(1, 6).Select(seed => Drawn($"{seed}"))];
        Assert.Equal(drawn[0], Drawn("1"));
        Assert.True(drawn.Select(line => line[line.IndexOf("dies")..]).Distinct().Count() > 3, string.Join('\n', drawn));
    }

    [Theory]
    [InlineData("nowhere")]
    [InlineData("after-call:0")]
    [InlineData("after-call:1:keeper")]
    [InlineData("after-call:1:leader:x")]
    [InlineData("12x")]
    public void What_names_no_point_is_refused(string faults)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(server: ["/bin/true"], products: variant.Products, faults: faults);
        Host.Until(() => server.HasEnded, "it ends");
        Assert.Equal(70, server.ExitStatus);
        Assert.Contains("MVEDSUA_FAULTS is neither a seed nor", server.Log);
    }

    private static string Name(string point) => point.Split(':')[0];
    private static string Count(string point) => point.Contains(':') ? point.Split(':')[1] : "1";

    private static string[] Deaths(RedisUnderMvedsua server) =>
        [.. Regex.Matches(server.Log, "fault: generation [0-9]+: (the .*): now").Select(match => match.Groups[1].Value)];
}
