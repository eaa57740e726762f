using System.Diagnostics;
using System.Text.Json;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Requests and what becomes of followers. With the fake shim.</summary>
public sealed class RequestTests
{
    private static async Task<LiveSession> Started(string follower)
    {
        LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; read line"], ("FAKE_FOLLOWER", follower));
        await session.Line();
        return session;
    }

    private static async Task<Control.SessionException> Refused(Task request) =>
        await Assert.ThrowsAsync<Control.SessionException>(() => request.WaitAsync(LiveSession.Patience));

    [Fact]
    public async Task Follow_and_unfollow_are_told_with_the_followers_pid_and_the_pause()
    {
        await using LiveSession session = await Started("replay");
        string message = await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus status = await session.Status();
        Assert.Equal($"follower {status.Follower!.Pid} attached; the server paused for 1.5 ms", message);
        await LiveSession.Client.UnfollowAsync(session.Name, 0, false, default);
        Assert.Null((await session.Status()).Follower);
        Assert.False(Directory.Exists($"/proc/{status.Follower.Pid}"), "the follower was not waited for");
    }

    [Fact]
    public async Task A_state_that_stays_as_it_is_is_told_once()
    {
        await using LiveSession session = await Started("replay");
        using var limit = new CancellationTokenSource(LiveSession.Patience);
        List<SessionStatus> told = [];
        await foreach (SessionStatus status in LiveSession.Client.WatchAsync(session.Name, limit.Token))
        {
            told.Add(status);
            if (status.Follower is not null) break;
            if (told.Count > 1) continue;
            for (int i = 0; i < 50; i++, await Task.Delay(10, limit.Token)) await session.Status(); /* the session is awake, several of its looks long */
            await LiveSession.Client.FollowAsync(session.Name, limit.Token);
        }
        string[] lines = [.. told.Select(status => JsonSerializer.Serialize(status, ControlJson.Default.SessionStatus))];
        Assert.All(lines.Zip(lines.Skip(1)), pair => Assert.NotEqual(pair.First, pair.Second));
    }

    /// <summary>What could break it: an end of the reader is found at the next write only, and a state that stays as it is writes nothing.</summary>
    [Fact]
    public async Task A_watch_ends_with_its_reader_though_nothing_changes()
    {
        await using LiveSession session = await Started("replay");
        using var watch = Process.Start(new ProcessStartInfo(Installation.Fake, ["status", session.Name, "--watch"]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.NotNull(await watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            watch.StandardOutput.Close();
            await watch.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(LiveSession.Patience, TestContext.Current.CancellationToken);
            Assert.Equal(0, watch.ExitCode);
        }
        finally
        {
            if (!watch.HasExited) watch.Kill();
        }
    }

    [Fact]
    public async Task A_fourth_follower_is_refused_and_so_is_ending_one_that_is_not_there()
    {
        await using LiveSession session = await Started("replay");
        Assert.Equal(ExitStatus.RefusedByStage, (await Refused(LiveSession.Client.UnfollowAsync(session.Name, 0, false, default))).Status);
        for (int i = 0; i < 3; i++) await LiveSession.Client.FollowAsync(session.Name, default);
        Control.SessionException refusal = await Refused(LiveSession.Client.FollowAsync(session.Name, default));
        Assert.Equal(ExitStatus.RefusedByStage, refusal.Status);
        Assert.Contains("has 3 followers already", refusal.Message, StringComparison.Ordinal);
        refusal = await Refused(LiveSession.Client.UnfollowAsync(session.Name, 1, false, default));
        Assert.Contains("Process 1 is no follower", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(3, (await session.Status()).Followers.Count);
    }

    [Fact]
    public async Task Of_several_followers_one_is_ended_by_its_pid_or_all_are()
    {
        await using LiveSession session = await Started("replay");
        for (int i = 0; i < 3; i++) await LiveSession.Client.FollowAsync(session.Name, default);
        int[] pids = [.. (await session.Status()).Followers.Select(f => f.Pid)];
        Assert.Contains("name one of them, or --all", (await Refused(LiveSession.Client.UnfollowAsync(session.Name, 0, false, default))).Message,
            StringComparison.Ordinal);
        await LiveSession.Client.UnfollowAsync(session.Name, pids[1], false, default);
        Assert.Equal([pids[0], pids[2]], (await session.Status()).Followers.Select(f => f.Pid));
        Result all = await session.Verb("unfollow", "--all");
        Assert.Equal((0, "the followers have ended"), (all.Status, all.Output.TrimEnd()));
        Assert.Empty((await session.Status()).Followers);
    }

    [Theory]
    [InlineData(MvReason.Unsupported, "io_uring_setup", ExitStatus.Unsupported)]
    [InlineData(MvReason.ParkTimeout, "thread 7 could not be stopped", ExitStatus.ServerUnresponsive)]
    [InlineData(MvReason.NoResources, "the process could not be copied", ExitStatus.NoResources)]
    [InlineData(MvReason.Busy, "the server is followed already", ExitStatus.RefusedByStage)]
    [InlineData(MvReason.Corrupt, "no such log", ExitStatus.Internal)]
    public async Task A_refused_follower_is_refused_by_name_with_a_status_of_its_own(MvReason reason, string text, ExitStatus status)
    {
        await using LiveSession session = await Started($"refuse {(uint)reason} {text}");
        Result follow = await session.Verb("follow");
        Assert.Equal((int)status, follow.Status);
        Assert.Contains(text, follow.Errors, StringComparison.Ordinal);
        Assert.Contains("the server goes on unchanged", follow.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_while_another_is_running_is_refused_and_a_leader_that_does_not_answer_is_named()
    {
        await using LiveSession session = await Started("silent");
        Task<string> first = LiveSession.Client.FollowAsync(session.Name, default);
        Control.SessionException second;
        do second = await Refused(LiveSession.Client.UnfollowAsync(session.Name, 0, false, default));
        while (!second.Message.Contains("being carried out", StringComparison.Ordinal)); /* the first is under way */
        Assert.Equal(ExitStatus.RefusedByStage, second.Status);
        Control.SessionException unanswered = await Refused(first);
        Assert.Contains("has not answered", unanswered.Message, StringComparison.Ordinal);
        Assert.Equal(ExitStatus.ServerUnresponsive, unanswered.Status);
    }

    [Fact]
    public async Task A_follower_that_is_killed_is_told_and_leaves_a_report()
    {
        await using LiveSession session = await Started("crash");
        try
        {
            await LiveSession.Client.FollowAsync(session.Name, default);
        }
        catch (Control.SessionException e)
        {
            /* Gone before the answer was written. */
            Assert.Contains("ended at once", e.Message, StringComparison.Ordinal);
        }
        SessionStatus status = await session.Until(s => s.Follower is null && s.History.Any(h => h.What.Contains("ended", StringComparison.Ordinal)));
        Assert.Contains("SIGKILL", status.History[^1].What, StringComparison.Ordinal);
        Assert.Contains("SIGKILL", (await session.Report("follower-died")).Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Once_the_end_of_a_diverged_follower_is_told_its_report_can_be_asked_for()
    {
        await using LiveSession session = await Started("diverge");
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus status = await session.Until(s => s.Follower is null && s.History.Any(h => h.What.Contains("ended", StringComparison.Ordinal)));
        Assert.Contains("diverged", status.History[^1].What, StringComparison.Ordinal);
        DivergenceReport report = await LiveSession.Client.ReportAsync(session.Name, default);
        Assert.Equal(("different-call", "getpid()"), (report.Reason, report.Follower.Calls[^1].ToString()[..8]));
    }

    [Fact]
    public async Task Reports_outlive_the_session()
    {
        await using LiveSession session = await Started("diverge");
        await LiveSession.Client.FollowAsync(session.Name, default);
        await session.Report("different-call");
        session.Run.StandardInput.WriteLine();
        await session.Exit();
        Result report = await session.Verb("report");
        Assert.Equal(0, report.Status);
        Assert.Contains("getpid", report.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_without_a_follower_ever_has_no_report()
    {
        await using LiveSession session = await Started("replay");
        Assert.Equal((int)ExitStatus.NoReport, (await session.Verb("report")).Status);
    }

    /// <summary>As the releases before sent it.</summary>
    [Theory]
    [InlineData("{\"verb\":\"update\",\"protocol\":1,\"pid\":0,\"all\":false,\"to\":\"/new\",\"description\":\"/d\"}\n")]
    [InlineData("{\"verb\":\"status\",\"protocol\":99,\"something\":{\"new\":[1]}}\n")]
    public async Task A_command_of_another_release_is_told_so_and_nothing_is_done(string line)
    {
        await using LiveSession session = await Started("replay");
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
        socket.Connect(new System.Net.Sockets.UnixDomainSocketEndPoint(SessionDirectory.SocketOf(session.Name)));
        using var stream = new System.Net.Sockets.NetworkStream(socket);
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line));
        ControlReply reply = System.Text.Json.JsonSerializer.Deserialize((await new StreamReader(stream).ReadLineAsync().WaitAsync(LiveSession.Patience))!, ControlJson.Default.ControlReply)!;
        Assert.Equal((false, ExitStatus.OtherRelease), (reply.Ok, reply.ExitStatus));
        Assert.Contains("another release of Mvedsua than the one that runs the session", reply.Error, StringComparison.Ordinal);
        Assert.Empty((await session.Status()).History);
    }

    [Fact]
    public async Task A_line_that_is_no_request_is_answered_and_the_next_client_is_served()
    {
        await using LiveSession session = await Started("replay");
        foreach (string line in (string[])["\n", "{}\n", "{\"verb\":\"status\",\"protocol\":99}\n", "{\"verb\":\"status\"}\n", "\u0000\u0001\n", new string('x', 100_000)])
        {
            using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0);
            socket.Connect(new System.Net.Sockets.UnixDomainSocketEndPoint(SessionDirectory.SocketOf(session.Name)));
            using var stream = new System.Net.Sockets.NetworkStream(socket);
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(line));
            string? reply = await new StreamReader(stream).ReadLineAsync().WaitAsync(LiveSession.Patience);
            Assert.Contains("\"ok\":false", reply, StringComparison.Ordinal);
        }
        Assert.Equal(session.Name, (await session.Status()).Name);
    }
}
