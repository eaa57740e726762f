using System.Diagnostics;
using System.Net.Sockets;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Tracers come and go as they like: what becomes of the follower is not theirs to say, nor theirs its.</summary>
public sealed class TraceTests
{
    /// <summary>The control block, once it is as wanted.</summary>
    private static void Await(SharedMemory memory, Func<ControlBlock, bool> wanted)
    {
        ControlBlock control = memory.Control.Block;
        var begin = Stopwatch.StartNew();
        while (true)
        {
            uint seen = control.Change.Value;
            if (wanted(control)) return;
            Assert.True(begin.Elapsed < LiveSession.Patience, "the control block never came to be as wanted");
            control.Change.Wait(seen, TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Nothing of one log is missing between the first and the last event of it that was seen.</summary>
    private static void AssertWhole(IEnumerable<TraceEvent> events)
    {
        foreach (var log in events.GroupBy(e => (e.Version, e.Thread)))
            Assert.Equal(Enumerable.Range(0, log.Count()).Select(i => log.First().Sequence + i), log.Select(e => e.Sequence));
    }

    [Fact]
    public async Task A_trace_misses_nothing_across_follow_unfollow_and_a_divergence()
    {
        string program = Installation.Compile("traced", Programs.Unrepeatable, "-g", "-O1");
        await using LiveSession session = LiveSession.Start(Installation.Real, [], [program]);
        session.Run.StandardInput.WriteLine("hello");
        await session.Line();
        await using Tape tape = Tape.Asked(session.Name);
        Task<TraceEvent> first = tape.Until("write", "none");
        string[] words = ["none", "followed", "unfollowed", "again", "differ", "alone"];
        using (SharedMemory memory = Memory(await session.Status(), session.Name)) Await(memory, c => c.Publishes);
        foreach (string word in words)
        {
            if (word is "followed" or "again") await LiveSession.Client.FollowAsync(session.Name, default);
            if (word is "unfollowed") await LiveSession.Client.UnfollowAsync(session.Name, 0, false, default);
            if (word is "alone") await session.Report("different-bytes");
            session.Run.StandardInput.WriteLine(word);
            Assert.EndsWith(word, await session.Line(), StringComparison.Ordinal);
            if (word is "none") await first;
            else await tape.Until("write", word + "\\n");
        }
        AssertWhole(tape.Seen);
    }

    [Fact]
    public async Task A_traced_server_gets_followers_between_its_signals()
    {
        await using LiveSession session = LiveSession.Start(Installation.Real, [], [Installation.Compile("ticking", Programs.Ticking, "-g", "-O1")]);
        Assert.Equal("ready", await session.Line());
        await using Tape tape = await Tape.Of(session.Name);
        for (int i = 0; i < 20; i++)
        {
            await LiveSession.Client.FollowAsync(session.Name, default);
            session.Run.StandardInput.WriteLine($"round {i}");
            await session.LineWith($"round {i}");
            await tape.Until("write", $"round {i}");
            SessionStatus status = await session.Status();
            Assert.True(status.Follower is not null, string.Join("; ", status.History) + "\n" + (await session.Verb("report")).Output);
            await LiveSession.Client.UnfollowAsync(session.Name, 0, false, default);
        }
        AssertWhole(tape.Seen);
    }

    [Fact]
    public async Task A_trace_tells_the_dead_leaders_last_events_and_goes_on_with_the_new_one()
    {
        await using RedisSession redis = await RedisSession.Start("--follower");
        SessionStatus followed = await redis.Session.Status();
        await using Tape tape = await Tape.Of(redis.Name);
        Assert.Equal("+OK", await redis.Ask("SET key before"));
        Process.GetProcessById(followed.Leader.Pid).Kill();
        await redis.Session.Until(s => s.Leader.Pid == followed.Follower!.Pid);
        Assert.Equal(0, (await tape.Until("read", "SET key before")).Version);
        int asked = 0;
        Task<TraceEvent> seen = tape.Until("read", "SET behind");
        do Assert.Equal("+OK", await redis.Ask($"SET behind {++asked}")); /* until the trace has begun anew */
        while (await Task.WhenAny(seen, Task.Delay(20)) != seen);
        Assert.Equal(1, (await seen).Version);
        await LiveSession.Client.FollowAsync(redis.Name, default);
        Assert.Equal("+OK", await redis.Ask("SET with follower"));
        Assert.Equal(1, (await tape.Until("read", "SET with")).Version);
        AssertWhole(tape.Seen);
    }

    [Fact]
    public async Task Three_tracers_see_the_same_and_a_fourth_is_refused_by_name_until_one_ends()
    {
        await using RedisSession redis = await RedisSession.Start();
        await using Tape first = await Tape.Of(redis.Name), second = await Tape.Of(redis.Name);
        await using (Tape third = await Tape.Of(redis.Name))
        {
            Assert.Equal("+OK", await redis.Ask("SET traced thrice"));
            foreach (Tape tape in (Tape[])[first, second, third]) await tape.Until("read", "SET traced thrice");
            var refusal = await Assert.ThrowsAsync<Control.SessionException>(() => Tape.Of(redis.Name));
            Assert.Equal(ExitStatus.RefusedByStage, refusal.Status);
            Assert.Contains($"'{redis.Name}' has 3 tracers already", refusal.Message, StringComparison.Ordinal);
        }
        using SharedMemory memory = Memory(await redis.Session.Status(), redis.Name);
        Await(memory, c => uint.PopCount(c.Tracing.Value) == 2);
        await using Tape next = await Tape.Of(redis.Name);
        Assert.Equal("+OK", await redis.Ask("SET traced again"));
        foreach (Tape tape in (Tape[])[first, second, next]) await tape.Until("read", "SET traced again");
    }

    [Fact]
    public async Task When_the_last_tracer_is_killed_the_server_is_solo_again()
    {
        await using RedisSession redis = await RedisSession.Start();
        using SharedMemory memory = Memory(await redis.Session.Status(), redis.Name);
        using (Process tracer = Process.Start(new ProcessStartInfo(Installation.Real, ["trace", redis.Name]) { RedirectStandardOutput = true })!)
        {
            Assert.NotNull(await tracer.StandardOutput.ReadLineAsync());
            Assert.True(memory.Control.Block.Publishes);
            tracer.Kill();
        }
        Await(memory, c => !c.Publishes);
        Assert.Equal(0u, memory.Control.Block.Tracing.Value);
        Assert.Equal("+PONG", await redis.Ask("PING"));
    }

    [Fact]
    public async Task A_tracer_that_stands_still_is_dropped_by_the_leader_and_the_follower_stays()
    {
        await using RedisSession redis = await RedisSession.Start("--follower", "--log-limit", "64MiB");
        SessionStatus before = await redis.Session.Status();
        using SharedMemory memory = Memory(before, redis.Name);
        await using Tape tape = await Tape.Of(redis.Name);
        await Result.Of("/bin/kill", "-STOP", $"{redis.Session.Run.Id}"); /* it reads the log for all tracers */
        await redis.Load("-t", "set", "-n", "100000");
        Await(memory, c => c.Tracing.Value == 0);
        Assert.InRange(memory.Memory.HeldBytes, 0ul, 40ul << 20);
        await Result.Of("/bin/kill", "-CONT", $"{redis.Session.Run.Id}");
        var dropped = await Assert.ThrowsAsync<Control.SessionException>(() => tape.Until("no such call", ""));
        Assert.Contains("The tracer was dropped", dropped.Message, StringComparison.Ordinal);
        Assert.Equal(before.Follower!.Pid, (await redis.Session.Status()).Follower?.Pid);
        Assert.Equal("+PONG", await redis.Ask("PING"));
    }

    [Fact]
    public async Task The_tracers_of_a_killed_coordinator_are_dropped_by_the_leader()
    {
        await using RedisSession redis = await RedisSession.Start();
        using SharedMemory memory = Memory(await redis.Session.Status(), redis.Name);
        await using Tape tape = await Tape.Of(redis.Name);
        redis.Session.KillCoordinator();
        await redis.Load("-t", "set", "-n", "10000", "-d", "1");
        Await(memory, c => !c.Publishes);
    }

    [Fact]
    public async Task A_trace_has_all_calls_of_a_thread_that_comes_and_goes_between_two_looks()
    {
        string program = Installation.Compile("fleeting", Programs.Fleeting, "-g", "-O1", "-pthread");
        await using LiveSession session = LiveSession.Start(Installation.Real, [], [program]);
        await session.Line();
        await using Tape tape = Tape.Asked(session.Name);
        Task all = All();
        using (SharedMemory memory = Memory(await session.Status(), session.Name)) Await(memory, c => c.Publishes);
        session.Run.StandardInput.WriteLine();
        await all;

        /* In any order: each thread has a log of its own. */
        async Task All()
        {
            var missing = Enumerable.Range(0, 100).Select(i => $"\"thread {i}\\n\"").ToHashSet();
            while (missing.Count > 0)
            {
                TraceEvent e = await tape.Next();
                if (e.Call == "write") missing.Remove(e.Arguments[1]);
            }
        }
    }

    private static SharedMemory Memory(SessionStatus status, string name) => SharedMemory.Open(name, status.Leader.Pid, writable: false);

    [Fact]
    public async Task A_trace_shows_the_requests_with_and_without_a_follower_and_ends_without_a_trace()
    {
        await using RedisSession redis = await RedisSession.Start();
        LiveSession session = redis.Session;
        foreach (bool followed in (bool[])[false, true])
        {
            if (followed) await LiveSession.Client.FollowAsync(session.Name, default);
            using var stop = new CancellationTokenSource(LiveSession.Patience);
            await using IAsyncEnumerator<TraceEvent> events = LiveSession.Client.TraceAsync(session.Name, stop.Token).GetAsyncEnumerator(stop.Token);
            await events.MoveNextAsync(); /* the server's own timers: from here on nothing is missed */
            Assert.Equal("+OK", await redis.Ask($"SET traced {followed}"));
            string text = $"\"SET traced {followed}\\r\\n\"";
            while (!(events.Current.Call == "read" && events.Current.Arguments[1] == text)) Assert.True(await events.MoveNextAsync());
            while (!(events.Current.Call == "write" && events.Current.Arguments[1] == "\"+OK\\r\\n\"")) Assert.True(await events.MoveNextAsync());
            Assert.Equal(5, events.Current.Result);
        }
        await LiveSession.Client.UnfollowAsync(session.Name, 0, false, default);
        Assert.Equal("+PONG", await redis.Ask("PING"));
    }

    [Fact]
    public async Task A_tracer_that_does_not_keep_up_is_dropped_by_name_and_the_server_goes_on()
    {
        await using RedisSession redis = await RedisSession.Start();
        LiveSession session = redis.Session;
        using var tracer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        tracer.Connect(new UnixDomainSocketEndPoint(SessionDirectory.SocketOf(session.Name)));
        tracer.Send(ControlProtocol.Encode(new ControlRequest(ControlVerb.Trace)));
        tracer.Receive(new byte[1]); /* the trace is on; nothing more is read for now */
        await redis.Load("-t", "set", "-n", "100000");
        using var lines = new StreamReader(new NetworkStream(tracer));
        string? last = null;
        while (await lines.ReadLineAsync().WaitAsync(LiveSession.Patience) is { } line) last = line;
        Assert.Contains("The tracer was dropped", last, StringComparison.Ordinal);
        Assert.Equal("+PONG", await redis.Ask("PING"));
    }
}
