using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The real shim and real servers.</summary>
public sealed class ServerTests
{
    private const string Unrepeatable = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        #include <x86intrin.h>
        static __attribute__((noinline)) void reply(const char *word)
        {
            char text[128];
            unsigned long long cycles = strcmp(word, "differ") ? 1234567890123ull : __rdtsc();
            int length = snprintf(text, sizeof text, "cycles %llu %s\n", cycles, word);
            if (write(1, text, (size_t)length) != length) exit(3);
        }
        static __attribute__((noinline)) void serve(char *line)
        {
            line[strcspn(line, "\n")] = 0;
            reply(line);
            if (!strcmp(line, "exit")) exit(6);
        }
        int main(void)
        {
            char line[64];
            ssize_t length;
            while ((length = read(0, line, sizeof line - 1)) > 0) {
                line[length] = 0;
                serve(line);
            }
            return 5;
        }
        """;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<(LiveSession Session, TcpClient Client, StreamReader Replies)> Redis(params string[] options)
    {
        int port = FreePort();
        LiveSession session = LiveSession.Start(Installation.Real, options,
            ["/usr/bin/redis-server", "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--dir", Installation.Folder]);
        await session.LineWith("Ready to accept connections");
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        return (session, client, new StreamReader(client.GetStream(), Encoding.ASCII));
    }

    private static async Task<string> Ask(TcpClient client, StreamReader replies, string command)
    {
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"));
        return (await replies.ReadLineAsync().WaitAsync(LiveSession.Patience))!;
    }

    [Fact]
    public async Task Redis_gets_a_follower_loses_its_leader_and_gets_another_follower()
    {
        (LiveSession session, TcpClient client, StreamReader replies) = await Redis();
        await using LiveSession running = session;
        using TcpClient connected = client;
        SessionStatus solo = await session.Status();
        Assert.Null(solo.Follower);
        Assert.True(solo.Sites.Rewritten > 500);
        Assert.Equal("+OK", await Ask(client, replies, "SET key before"));
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus followed = await session.Status();
        Assert.Equal(followed.Leader.Threads, followed.Follower!.Threads);
        Assert.Equal("+OK", await Ask(client, replies, "SET key behind"));
        Process.GetProcessById(followed.Leader.Pid).Kill();
        SessionStatus promoted = await session.Until(s => s.Leader.Pid == followed.Follower.Pid);
        Assert.Equal(solo.Leader.LogicalPid, promoted.Leader.LogicalPid);
        Assert.Equal("$6", await Ask(client, replies, "GET key"));
        Assert.Equal("behind", await replies.ReadLineAsync());
        DivergenceReport report = await session.Report("leader-died");
        Assert.Contains("SIGKILL", report.Summary, StringComparison.Ordinal);
        Assert.NotEmpty(report.Leader.Calls);
        await LiveSession.Client.FollowAsync(session.Name, default);
        Assert.Equal("+OK", await Ask(client, replies, "SET key again"));
        await LiveSession.Client.UnfollowAsync(session.Name, default);
        Assert.Equal("+PONG", await Ask(client, replies, "PING"));
        await client.GetStream().WriteAsync("SHUTDOWN NOSAVE\r\n"u8.ToArray());
        Assert.Equal(0, await session.Exit());
    }

    [Fact]
    public async Task A_trace_shows_the_requests_with_and_without_a_follower_and_ends_without_a_trace()
    {
        (LiveSession session, TcpClient client, StreamReader replies) = await Redis();
        await using LiveSession running = session;
        using TcpClient connected = client;
        foreach (bool followed in (bool[])[false, true])
        {
            if (followed) await LiveSession.Client.FollowAsync(session.Name, default);
            using var stop = new CancellationTokenSource(LiveSession.Patience);
            await using IAsyncEnumerator<TraceEvent> events = LiveSession.Client.TraceAsync(session.Name, stop.Token).GetAsyncEnumerator(stop.Token);
            await events.MoveNextAsync(); /* the server's own timers: from here on nothing is missed */
            Assert.Equal("+OK", await Ask(client, replies, $"SET traced {followed}"));
            string text = $"\"SET traced {followed}\\r\\n\"";
            while (!(events.Current.Call == "read" && events.Current.Arguments[1] == text)) Assert.True(await events.MoveNextAsync());
            while (!(events.Current.Call == "write" && events.Current.Arguments[1] == "\"+OK\\r\\n\"")) Assert.True(await events.MoveNextAsync());
            Assert.Equal(5, events.Current.Result);
        }
        await LiveSession.Client.UnfollowAsync(session.Name, default);
        Assert.Equal("+PONG", await Ask(client, replies, "PING"));
    }

    [Fact]
    public async Task A_tracer_that_does_not_keep_up_is_dropped_by_name_and_the_server_goes_on()
    {
        (LiveSession session, TcpClient client, StreamReader replies) = await Redis();
        await using LiveSession running = session;
        using TcpClient connected = client;
        using var tracer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        tracer.Connect(new UnixDomainSocketEndPoint(SessionDirectory.SocketOf(session.Name)));
        tracer.Send(ControlProtocol.Encode(new ControlRequest(ControlVerb.Trace)));
        tracer.Receive(new byte[1]); /* the trace is on; nothing more is read for now */
        int port = ((IPEndPoint)client.Client.RemoteEndPoint!).Port;
        Result load = await Result.Of("redis-benchmark", "-p", $"{port}", "-t", "set", "-n", "100000", "-q");
        Assert.True(load.Status == 0, load.Errors);
        using var lines = new StreamReader(new NetworkStream(tracer));
        string? last = null;
        while (await lines.ReadLineAsync().WaitAsync(LiveSession.Patience) is { } line) last = line;
        Assert.Contains("The tracer was dropped", last, StringComparison.Ordinal);
        Assert.Equal("+PONG", await Ask(client, replies, "PING"));
        await LiveSession.Client.FollowAsync(session.Name, default);
    }

    [Fact]
    public async Task A_second_tracer_is_refused()
    {
        (LiveSession session, TcpClient client, _) = await Redis();
        await using LiveSession running = session;
        using TcpClient connected = client;
        using var stop = new CancellationTokenSource(LiveSession.Patience);
        await using IAsyncEnumerator<TraceEvent> first = LiveSession.Client.TraceAsync(session.Name, stop.Token).GetAsyncEnumerator(stop.Token);
        await first.MoveNextAsync();
        await using IAsyncEnumerator<TraceEvent> second = LiveSession.Client.TraceAsync(session.Name, stop.Token).GetAsyncEnumerator(stop.Token);
        var refusal = await Assert.ThrowsAsync<Control.SessionException>(async () => await second.MoveNextAsync());
        Assert.Equal(ExitStatus.RefusedByStage, refusal.Status);
    }

    [Fact]
    public async Task A_divergence_is_reported_with_its_first_byte_and_both_symbolised_backtraces()
    {
        string program = Installation.Compile("unrepeatable", Unrepeatable, "-g", "-O1");
        await using LiveSession session = LiveSession.Start(Installation.Real, ["--follower"], [program]);
        session.Run.StandardInput.WriteLine("one");
        Assert.Equal("cycles 1234567890123 one", await session.Line());
        session.Run.StandardInput.WriteLine("differ");
        string differing = await session.Line();
        DivergenceReport report = await session.Report("different-bytes");
        /* A time stamp counter can differ in any digit; the bytes around it tell the leader's. */
        Assert.Equal("outgoing bytes", report.Difference!.Where);
        long offset = report.Difference.Offset!.Value;
        Assert.InRange(offset, 7, differing.Length);
        Assert.Contains($"[{(int)differing[(int)offset]:x2}]", report.Difference.Leader, StringComparison.Ordinal);
        Assert.Equal("write", report.Follower.Calls[^1].Call);
        Assert.Contains(report.Follower.Calls, c => c.Call == "read" && c.Arguments[1] == "\"differ\\n\"");
        foreach (string function in (string[])["reply+", "serve+", "main+"])
            Assert.Contains(report.Follower.Backtrace, frame => frame.StartsWith(function, StringComparison.Ordinal));
        Assert.Contains(report.Leader.Backtrace, frame => frame.StartsWith("main+", StringComparison.Ordinal));
        Assert.Contains(report.Causes, cause => cause.Contains("rdtsc", StringComparison.Ordinal));
        session.Run.StandardInput.WriteLine("two");
        Assert.Equal("cycles 1234567890123 two", await session.Line());
        await session.Until(s => s.Follower is null);
    }

    [Fact]
    public async Task A_server_with_a_thread_that_can_not_be_stopped_gets_no_follower_and_goes_on()
    {
        await using LiveSession session = LiveSession.Start(Installation.Real, [], [Installation.Compile("stuck", Programs.Stuck, "-pthread")]);
        Assert.Equal("ready", await session.Line());
        Result follow = await session.Verb("follow");
        Assert.Equal((int)ExitStatus.ServerUnresponsive, follow.Status);
        Assert.Contains("could not be stopped within 2 s", follow.Errors, StringComparison.Ordinal);
        session.Run.StandardInput.WriteLine("served");
        Assert.Equal("served", await session.Line());
    }

    [Theory]
    [InlineData("stay", "unsupported", "more than 128 threads at once")]
    [InlineData("go", "lag-limit", "threads ended faster than the follower read")]
    public async Task A_follower_that_ends_for_want_of_threads_says_whether_they_run_or_are_unread(string word, string reason, string text)
    {
        await using LiveSession session = LiveSession.Start(Installation.Real, ["--follower"], [Installation.Compile("threads", Programs.Fleeting, "-pthread")]);
        Assert.Equal("ready", await session.Line());
        if (word is "go") await Result.Of("/bin/kill", "-STOP", $"{(await session.Status()).Follower!.Pid}");
        for (int i = 0; i < 2; i++)
        {
            session.Run.StandardInput.WriteLine(word);
            await session.LineWith("thread 99");
        }
        SessionStatus status = await session.Until(s => s.Follower is null);
        Assert.Contains(text, status.History[^1].What, StringComparison.Ordinal);
        Assert.Contains(reason is "unsupported" ? "can replay yet" : "lag limit", status.History[^1].What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_leaders_own_exit_ends_the_session_with_its_status()
    {
        string program = Installation.Compile("exiting", Unrepeatable, "-g", "-O1");
        await using LiveSession session = LiveSession.Start(Installation.Real, ["--follower"], [program]);
        session.Run.StandardInput.WriteLine("exit");
        Assert.Equal(6, await session.Exit());
    }

    [Fact]
    public async Task A_follower_that_lags_too_long_is_ended_and_the_server_goes_on()
    {
        (LiveSession session, TcpClient client, StreamReader replies) = await Redis("--lag-limit", "300ms");
        await using LiveSession running = session;
        using TcpClient connected = client;
        await LiveSession.Client.FollowAsync(session.Name, default);
        int follower = (await session.Status()).Follower!.Pid;
        await Result.Of("/bin/kill", "-STOP", $"{follower}");
        Assert.Equal("+PONG", await Ask(client, replies, "PING"));
        SessionStatus status = await session.Until(s => s.Follower is null);
        Assert.Contains("lag limit", status.History[^1].What, StringComparison.Ordinal);
        Assert.Equal("+PONG", await Ask(client, replies, "PING"));
    }

    [Fact]
    public async Task A_killed_coordinator_leaves_a_followed_server_and_a_new_one_sees_its_failover()
    {
        (LiveSession session, TcpClient client, StreamReader replies) = await Redis();
        await using LiveSession running = session;
        using TcpClient connected = client;
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus before = await session.Status();
        session.KillCoordinator();
        Assert.Equal("+OK", await Ask(client, replies, "SET a 1"));
        Result status = await session.Verb("status");
        Assert.True(status.Status == 0, status.Errors);
        Assert.Contains($"pid {before.Follower!.Pid}", status.Output, StringComparison.Ordinal);
        Process.GetProcessById(before.Leader.Pid).Kill();
        await session.Until(s => s.Leader.Pid == before.Follower.Pid);
        Assert.Equal("$1", await Ask(client, replies, "GET a"));
        Result follow = await session.Verb("follow");
        Assert.True(follow.Status == 0, follow.Errors);
    }
}
