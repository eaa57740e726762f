using System.Diagnostics;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>Where threads may stand when an update comes (tests/native/update/resting.c).</summary>
public sealed class RestingThreadsTests : UpdatedServers
{
    private static readonly string[] Ways = ["condition", "semaphore", "read", "poll", "sleep", "signal"];

    [Fact]
    public void Threads_go_on_from_whichever_wait_they_rest_in()
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        int count = 0;
        AskAll();
        Updated(server, other, "resume serve(&state)\n");
        AskAll();
        Agrees(server);
        Do(server, "promote");
        AskAll();
        Agrees(server);
        Do(server, "commit");
        AskAll();

        void AskAll()
        {
            for (int i = 0; i < 20; i++, count++)
                foreach (string way in Ways) Assert.Equal($"{way} text{count} {count + 1}", line.Ask($"{way} text{count}"));
        }
    }

    [Theory]
    [InlineData("lock")]
    [InlineData("join")]
    public void A_thread_that_waits_for_a_lock_or_another_thread_is_named_and_the_server_is_left_alone(string how)
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        Assert.Equal("blocked", line.Ask(how));
        Host.Result result = Update(server, other, "resume serve(&state)\n");
        Assert.True(result.Status == 71, result.Errors);
        Assert.Matches("The server's threads did not all rest at once within 10 s \\(at last, thread [0-9]+ waits for a lock, a barrier or the end of another thread\\); the server is untouched", result.Errors);
        Assert.Equal("condition text 1", line.Ask("condition text"));
        Assert.Equal("free", line.Ask("free"));
        Updated(server, other, "resume serve(&state)\n");
        Assert.Equal("condition text 2", line.Ask("condition text"));
        Agrees(server);
    }

    /// <summary>Between versions with rules the lead changes hands only while all threads rest. Clients are served all the while.</summary>
    [Theory]
    [InlineData("lock", "waits for a lock, a barrier or the end of another thread")]
    [InlineData("spin", "is at work")]
    public async Task A_promotion_with_rules_is_given_up_when_a_thread_never_rests_and_that_thread_is_named(string how, string doing)
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        foreach (string direction in (string[])["forward", "reverse"]) /* any rules: both make the same calls */
            File.WriteAllText(Path.Combine(server.Folder, direction + ".rules"), "rule \"never\"\n  getppid() => nothing\n");
        Host.Result update = Update(server, other, "resume serve(&state)\n", "--rules", server.Folder);
        Assert.True(update.Status == 0, update.Errors);
        Assert.Equal("blocked", line.Ask(how));
        server.InStep();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        int thread = Directory.GetDirectories($"/proc/{leader}/task").Max(task => int.Parse(Path.GetFileName(task)));
        long begin = Stopwatch.GetTimestamp();
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "40s"));
        int count = 0;
        TimeSpan slowest = TimeSpan.Zero;
        while (!promotion.IsCompleted)
        {
            long asked = Stopwatch.GetTimestamp();
            Assert.Equal($"condition text {++count}", line.Ask("condition text"));
            if (Stopwatch.GetElapsedTime(asked) is var took && took > slowest) slowest = took;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        Host.Result result = await promotion;
        Tell($"slowest of {count} answers {slowest.TotalMilliseconds:F1} ms; {result.Errors}");
        Assert.True(result.Status == 71, $"{result.Status}: {result.Output}{result.Errors}");
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 10, 30); /* other reasons than a lag are not waited for */
        Assert.Contains($"The server's threads did not all rest at once within 10 s (at last, thread {thread} {doing}); the server is untouched", result.Errors);
        Assert.InRange(slowest.TotalMilliseconds, 0, 2000);
        Assert.Equal((leader, follower), (server.LeaderPid, server.FollowerPid));
        Assert.Equal("free", line.Ask("free"));
        Do(server, "promote");
        Assert.Equal((follower, leader), (server.LeaderPid, server.FollowerPid));
        Assert.Equal($"condition text {count + 1}", line.Ask("condition text"));
        server.InStep();
        Agrees(server);
    }

    /// <summary>A debugger holds it within the shim; the others stand still for as long as it is waited for.</summary>
    [Fact]
    public void A_thread_that_can_not_be_stopped_for_a_promotion_is_named_and_both_processes_go_on()
    {
        RedisUnderMvedsua server = Server(out _);
        using var line = new KvLine(server.Port);
        server.Follow();
        server.InStep();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        int reader = Directory.GetDirectories($"/proc/{leader}/task").Select(task => int.Parse(Path.GetFileName(task)))
            .Single(task => File.ReadAllText($"/proc/{leader}/task/{task}/comm") == "read\n");
        using (var held = new StoppedThread(leader, $"mv_dispatch if mv_self->tid == {reader}"))
        {
            line.Send("read text\n");
            held.Reached();
            Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "40s");
            Assert.True(result.Status == 71, $"{result.Status}: {result.Output}{result.Errors}");
            Assert.Contains($"thread {reader} could not be stopped within 2 s", result.Errors);
        }
        Assert.Equal("read text 1", line.Read());
        Assert.Equal((leader, follower), (server.LeaderPid, server.FollowerPid));
        Do(server, "promote");
        Assert.Equal("sleep text 1", line.Ask("sleep text"));
        server.InStep();
        Agrees(server);
    }

    /// <summary>The new version hands a text over, which takes a lock, without two calls that the old one makes before it. What could break it: the
    /// leader dies having made one of them, which no rule drops, and the follower counts as one that differs.</summary>
    [Fact]
    public void A_leader_that_dies_within_what_a_rule_drops_before_a_lock_is_succeeded()
    {
        RedisUnderMvedsua server = Server(out string other, "-DASKS_FIRST");
        using var line = new KvLine(server.Port);
        File.WriteAllText(Path.Combine(server.Folder, "forward.rules"), "rule \"not asked any more\"\n  getppid(); getpgid($who) => nothing\n");
        File.WriteAllText(Path.Combine(server.Folder, "reverse.rules"), "rule \"never\"\n  getppid() => nothing\n");
        Host.Result update = Update(server, other, "resume serve(&state)\n", "--rules", server.Folder);
        Assert.True(update.Status == 0, update.Errors);
        Assert.Equal("condition text 1", line.Ask("condition text"));
        server.InStep();
        Agrees(server);
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        using (var within = new StoppedThread(leader, $"mv_dispatch if frame->rax == {GetPgid}"))
        {
            line.Send("condition text\n");
            within.Reached();
            within.Kill(leader);
        }
        Assert.Equal("condition text 2", line.Read());
        Assert.Equal(follower, server.PromotedFrom(leader));
        Assert.DoesNotContain("differs from its leader", server.Log);
        Assert.Equal("condition text 3", line.Ask("condition text"));
    }

    private const int GetPgid = 121;

    private RedisUnderMvedsua Server(out string other, string flag = "-O2")
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, prepare: s => Compile(s, "resting", flag), server: ["{folder}/resting", "{port}"]);
        Compile(server, "other", "-O1");
        other = Path.Combine(server.Folder, "other");
        server.Answers();
        return server;
    }

    private static void Compile(RedisUnderMvedsua server, string name, string flag)
    {
        Host.Result gcc = Host.Run(server.Folder, "gcc", flag, "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-Wl,--emit-relocs", "-o", name, Path.Combine(Host.Root, "tests/native/update/resting.c"));
        Assert.True(gcc.Status == 0, gcc.Errors);
    }
}
