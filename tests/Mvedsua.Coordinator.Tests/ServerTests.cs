using System.Diagnostics;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The real shim and real servers.</summary>
public sealed class ServerTests
{
    [Fact]
    public async Task Redis_gets_a_follower_loses_its_leader_and_gets_another_follower()
    {
        await using RedisSession redis = await RedisSession.Start();
        LiveSession session = redis.Session;
        SessionStatus solo = await session.Status();
        Assert.Null(solo.Follower);
        Assert.True(solo.Sites.Rewritten > 500);
        Assert.Equal("+OK", await redis.Ask("SET key before"));
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus followed = await session.Status();
        Assert.Equal(followed.Leader.Threads, followed.Follower!.Threads);
        Assert.Equal("+OK", await redis.Ask("SET key behind"));
        Process.GetProcessById(followed.Leader.Pid).Kill();
        SessionStatus promoted = await session.Until(s => s.Leader.Pid == followed.Follower.Pid);
        Assert.Equal(solo.Leader.LogicalPid, promoted.Leader.LogicalPid);
        Assert.Equal("$6", await redis.Ask("GET key"));
        Assert.Equal("behind", await redis.Line());
        DivergenceReport report = await session.Report("leader-died");
        Assert.Contains("SIGKILL", report.Summary, StringComparison.Ordinal);
        Assert.NotEmpty(report.Leader.Calls);
        await LiveSession.Client.FollowAsync(session.Name, default);
        Assert.Equal("+OK", await redis.Ask("SET key again"));
        await LiveSession.Client.UnfollowAsync(session.Name, 0, false, default);
        Assert.Equal("+PONG", await redis.Ask("PING"));
        await redis.Send("SHUTDOWN NOSAVE");
        Assert.Equal(0, await session.Exit());
    }

    [Fact]
    public async Task A_divergence_is_reported_with_its_first_byte_and_both_symbolised_backtraces()
    {
        string program = Installation.Compile("unrepeatable", Programs.Unrepeatable, "-g", "-O1");
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
        SessionStatus status = await session.Until(s => s.Follower is null);
        Assert.Contains("diverged from the leader: its call had other bytes", status.History[^1].What, StringComparison.Ordinal);
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
    [InlineData("stay", "more than 128 threads at once")]
    [InlineData("go", "threads ended faster than it read")]
    public async Task A_follower_that_ends_for_want_of_threads_says_whether_they_run_or_are_unread(string word, string text)
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
        Assert.Contains("no event log was left", status.History[^1].What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_a_script_execs_has_the_session_and_gets_its_follower()
    {
        await using RedisSession redis = await RedisSession.StartBy(["--follower"], "exec \"$@\"");
        /* (It makes the threads that the leader has made meanwhile.) */
        SessionStatus followed = await redis.Session.Until(s => s.Follower?.Threads == s.Leader.Threads);
        Assert.Equal("redis-server", (await File.ReadAllTextAsync($"/proc/{followed.Leader.Pid}/comm")).Trim());
        Assert.Equal("+OK", await redis.Ask("SET key value"));
        Process.GetProcessById(followed.Leader.Pid).Kill();
        await redis.Session.Until(s => s.Leader.Pid == followed.Follower!.Pid);
        Assert.Equal("$5", await redis.Ask("GET key"));
    }

    [Theory]
    [InlineData("follow")]
    [InlineData("trace")]
    public async Task A_server_that_has_left_the_library_is_not_killed_by_a_request(string verb)
    {
        await using RedisSession redis = await RedisSession.StartBy([], "export MVEDSUA_EXEC=none; exec sh -c 'exec \"$@\"' sh \"$@\"");
        Result refused = await redis.Session.Verb(verb);
        Assert.Equal((int)ExitStatus.Unsupported, refused.Status);
        Assert.Contains("runs without libmvedsua.so", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("+PONG", await redis.Ask("PING"));
    }

    [Fact]
    public async Task The_leaders_own_exit_ends_the_session_with_its_status()
    {
        string program = Installation.Compile("exiting", Programs.Unrepeatable, "-g", "-O1");
        await using LiveSession session = LiveSession.Start(Installation.Real, ["--follower"], [program]);
        session.Run.StandardInput.WriteLine("exit");
        Assert.Equal(6, await session.Exit());
    }

    [Fact]
    public async Task A_follower_that_lags_too_long_is_ended_and_the_server_goes_on()
    {
        await using RedisSession redis = await RedisSession.Start("--lag-limit", "300ms");
        LiveSession session = redis.Session;
        await LiveSession.Client.FollowAsync(session.Name, default);
        int follower = (await session.Status()).Follower!.Pid;
        await Result.Of("/bin/kill", "-STOP", $"{follower}");
        Assert.Equal("+PONG", await redis.Ask("PING"));
        SessionStatus status = await session.Until(s => s.Follower is null);
        Assert.Contains("lag limit", status.History[^1].What, StringComparison.Ordinal);
        Assert.Equal("+PONG", await redis.Ask("PING"));
    }

    [Fact]
    public async Task A_killed_coordinator_leaves_a_followed_server_and_a_new_one_sees_its_failover()
    {
        await using RedisSession redis = await RedisSession.Start();
        LiveSession session = redis.Session;
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus before = await session.Status();
        session.KillCoordinator();
        Assert.Equal("+OK", await redis.Ask("SET a 1"));
        Result status = await session.Verb("status");
        Assert.True(status.Status == 0, status.Errors);
        Assert.Contains($"pid {before.Follower!.Pid}", status.Output, StringComparison.Ordinal);
        Process.GetProcessById(before.Leader.Pid).Kill();
        await session.Until(s => s.Leader.Pid == before.Follower.Pid);
        Assert.Equal("$1", await redis.Ask("GET a"));
        Result follow = await session.Verb("follow");
        Assert.True(follow.Status == 0, follow.Errors);
    }
}
