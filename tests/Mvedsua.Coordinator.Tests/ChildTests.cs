using System.Diagnostics;
using System.Globalization;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A promoted process waits for the children of the leader that died, as if they were its own.</summary>
public sealed class ChildTests
{
    private static async Task<LiveSession> Parent(params string[] options)
    {
        LiveSession session = LiveSession.Start(Installation.Real, options, [Installation.Compile("parent", Programs.Parent, "-g", "-O1")]);
        Assert.Equal("ready", await session.Line());
        return session;
    }

    private static async Task<string> Ask(LiveSession session, string command)
    {
        session.Run.StandardInput.WriteLine(command);
        return await session.Line();
    }

    private static async Task<int> Fork(LiveSession session) =>
        int.Parse((await Ask(session, "fork"))["child ".Length..], CultureInfo.InvariantCulture);

    /// <summary>Kills the leader; returns when its follower leads.</summary>
    private static async Task FailOver(LiveSession session)
    {
        SessionStatus before = await session.Status();
        Process.GetProcessById(before.Leader.Pid).Kill();
        await session.Until(s => s.Leader.Pid == before.Follower!.Pid);
    }

    private static async Task Kill(int pid, string signal) => Assert.Equal(0, (await Result.Of("/bin/kill", $"-{signal}", $"{pid}")).Status);

    /// <summary>The process sleeps in a call: what it is asked next finds it there.</summary>
    private static async Task Blocked(LiveSession session)
    {
        int pid = (await session.Status()).Leader.Pid;
        while (true)
        {
            string call = (await File.ReadAllTextAsync($"/proc/{pid}/syscall")).Split(' ')[0];
            if (call is "61" or "247" or "202") return; /* wait4, waitid, futex */
            await Task.Delay(5);
        }
    }

    [Fact]
    public async Task A_child_of_the_dead_leader_lives_to_a_wait_and_its_end_comes_with_status_and_signal()
    {
        await using LiveSession session = await Parent("--follower");
        int child = await Fork(session);
        await FailOver(session);
        Assert.Equal("poll: 0 status 0", await Ask(session, "poll"));
        session.Run.StandardInput.WriteLine("any");
        await Blocked(session);
        await Kill(child, "TERM");
        Assert.Equal($"any: {child} status 1100", await session.Line());
        Assert.Equal($"signals 1 from {child} status 17", await Ask(session, "signals"));
        Assert.Equal("any: No child processes", await Ask(session, "any"));
    }

    [Fact]
    public async Task Every_kind_of_wait_knows_them()
    {
        await using LiveSession session = await Parent("--follower");
        int[] children = [await Fork(session), await Fork(session), await Fork(session)];
        await FailOver(session);
        Assert.Equal("own: 0 status 0", await Ask(session, "own"));
        await Kill(children[1], "KILL");
        Assert.Equal($"look: {children[1]} status 209", await Ask(session, "look"));
        Assert.Equal($"look: {children[1]} status 209", await Ask(session, "look"));
        Assert.Equal($"id: {children[1]} status 209", await Ask(session, $"id {children[1]}"));
        Assert.Equal("id: No child processes", await Ask(session, $"id {children[1]}"));
        await Kill(children[0], "TERM");
        Assert.Equal($"pid: {children[0]} status 1100", await Ask(session, $"pid {children[0]}"));
        await Kill(children[2], "TERM");
        Assert.Equal($"group: {children[2]} status 1100", await Ask(session, "group"));
        Assert.Equal("group: No child processes", await Ask(session, "group"));
    }

    [Fact]
    public async Task A_wait_for_own_and_inherited_children_ends_with_whichever_comes_first()
    {
        await using LiveSession session = await Parent("--follower");
        int inherited = await Fork(session);
        await FailOver(session);
        int own = await Fork(session);
        session.Run.StandardInput.WriteLine("any");
        await Blocked(session);
        await Kill(inherited, "TERM");
        Assert.Equal($"any: {inherited} status 1100", await session.Line());
        session.Run.StandardInput.WriteLine("any");
        await Blocked(session);
        await Kill(own, "TERM");
        Assert.Equal($"any: {own} status 1100", await session.Line());
        Assert.Equal("poll: No child processes", await Ask(session, "poll"));
    }

    [Fact]
    public async Task Children_from_before_the_follower_count_too_and_those_waited_for_do_not()
    {
        await using LiveSession session = await Parent();
        int[] children = [await Fork(session), await Fork(session)];
        await LiveSession.Client.FollowAsync(session.Name, default);
        await Kill(children[0], "TERM");
        Assert.Equal($"any: {children[0]} status 1100", await Ask(session, "any"));
        await FailOver(session);
        Assert.Equal("pid: No child processes", await Ask(session, $"pid {children[0]}"));
        Assert.Equal("poll: 0 status 0", await Ask(session, "poll"));
        /* And through a second failover. */
        await LiveSession.Client.FollowAsync(session.Name, default);
        int third = await Fork(session);
        await FailOver(session);
        await Kill(children[1], "KILL");
        Assert.Equal($"any: {children[1]} status 9", await Ask(session, "any"));
        await Kill(third, "KILL");
        Assert.Equal($"any: {third} status 9", await Ask(session, "any"));
        Assert.Equal("any: No child processes", await Ask(session, "any"));
    }

    [Fact]
    public async Task A_child_that_ends_with_its_parent_is_not_lost()
    {
        await using LiveSession session = await Parent("--follower");
        int child = await Fork(session);
        SessionStatus before = await session.Status();
        await Result.Of("/bin/kill", "-KILL", $"{before.Leader.Pid}", $"{child}");
        Assert.Equal($"any: {child} status 9", await Ask(session, "any"));
    }

    /// <summary>Its new parent would know its status, but that was to be the coordinator.</summary>
    [Theory]
    [InlineData(false, "any")]
    [InlineData(false, "poll")]
    [InlineData(true, "any")]
    [InlineData(true, "poll")]
    public async Task A_child_whose_end_nobody_can_tell_counts_as_killed(bool revived, string wait)
    {
        await using LiveSession session = await Parent("--follower");
        int child = await Fork(session);
        SessionStatus before = await session.Status();
        session.KillCoordinator();
        Process leader = Process.GetProcessById(before.Leader.Pid);
        leader.Kill();
        await leader.WaitForExitAsync().WaitAsync(LiveSession.Patience); /* it reads nothing any more */
        Assert.Equal("poll: 0 status 0", await Ask(session, "poll"));
        if (revived) Assert.Equal(0, (await session.Verb("status")).Status);
        if (wait == "any")
        {
            session.Run.StandardInput.WriteLine("any");
            await Kill(child, "TERM");
            Assert.Equal($"any: {child} status 9", await session.Line());
        }
        else
        {
            await Kill(child, "TERM");
            string answer;
            while ((answer = await Ask(session, "poll")) == "poll: 0 status 0") await Task.Delay(5);
            Assert.Equal($"poll: {child} status 9", answer);
        }
        Assert.Equal("any: No child processes", await Ask(session, "any"));
        Assert.StartsWith("signals 1", await Ask(session, "signals"), StringComparison.Ordinal);
        Process.GetProcessById(before.Follower!.Pid).Kill();
    }

    [Theory]
    [InlineData("BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")]
    [InlineData("BGREWRITEAOF", "aof_rewrite_in_progress", "aof_last_bgrewrite_status")]
    public async Task Redis_hears_of_a_background_job_that_its_dead_leader_began(string command, string running, string status)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Installation.Folder, command)).FullName;
        await using RedisSession redis = await RedisSession.Start(["--follower"], ["--dir", folder, "--rdb-key-save-delay", "2000"]);
        await redis.Load("-t", "set", "-n", "2000", "-r", "100000");
        Assert.StartsWith("+Background", await redis.Ask(command), StringComparison.Ordinal);
        await FailOver(redis.Session);
        Assert.Equal("1", await redis.Info("persistence", running));
        await Idle();
        Assert.Equal("ok", await redis.Info("persistence", status));
        Assert.Equal("+OK", await redis.Ask("CONFIG SET rdb-key-save-delay 0"));
        Assert.StartsWith("+Background", await redis.Ask(command), StringComparison.Ordinal);
        await Idle();
        Assert.Equal("ok", await redis.Info("persistence", status));
        await redis.Send("SHUTDOWN NOSAVE");
        Assert.Equal(0, await redis.Session.Exit());
        Assert.DoesNotContain("waitpid() returned an error", await redis.Session.Rest(), StringComparison.Ordinal);

        async Task Idle()
        {
            var begin = Stopwatch.StartNew();
            while (await redis.Info("persistence", running) != "0")
            {
                Assert.True(begin.Elapsed < LiveSession.Patience, "the job never ended");
                await Task.Delay(20);
            }
        }
    }
}
