using Mvedsua.Drill;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>Rules between releases of the sample server with worker threads: a promotion finds each thread somewhere else, not only the one
/// that is asked.</summary>
public sealed class RuledThreadsTests : UpdatedServers
{
    private const int FollowerBehind = 81;

    private static void Released(RedisUnderMvedsua server, string to, string pair, string? rules = null)
    {
        string folder = Path.Combine(Host.Root, "rules/kv", pair);
        Host.Result result = server.Mvedsua("update", RedisUnderMvedsua.Name, "--to", KvPrograms.Of(to), "--description", Path.Combine(folder, "update.description"), "--rules", rules ?? folder);
        Assert.True(result.Status == 0, $"update: {result.Output}{result.Errors}\n{server.History}\n{server.Mvedsua("report", RedisUnderMvedsua.Name).Output}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Releases_with_threads_lead_and_follow_in_turns_under_load_and_no_client_notices(int threads)
    {
        RedisUnderMvedsua server = Server(threads: threads);
        using var load = KvClient.Load(server.Port, 8, 61, inShards: true);
        load.ThinkTime = TimeSpan.FromMilliseconds(2);
        load.More(300);
        Released(server, "1.1", "1.0-1.1");
        for (int i = 0; i < 5 * Host.Rounds; i++)
        {
            load.More(100);
            Agrees(server);
            Do(server, "promote");
        }
        load.More(300);
        Agrees(server);
        HasAll(server, load);
    }

    /// <summary>The workers serve; what the main thread does, both releases do alike.</summary>
    [Fact]
    public void Rules_for_other_threads_than_the_main_one_are_theirs()
    {
        RedisUnderMvedsua server = Server(threads: 2);
        foreach (string path in Directory.EnumerateFiles(Path.Combine(Host.Root, "rules/kv/1.0-1.1"), "*.rules"))
        {
            string text = File.ReadAllText(path);
            int first = text.IndexOf("rule ", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(server.Folder, Path.GetFileName(path)), $"{text[..first]}thread others {{\n{text[first..]}}}\n");
        }
        Released(server, "1.1", "1.0-1.1", server.Folder);
        using var load = KvClient.Load(server.Port, 8, 62, inShards: true);
        load.ThinkTime = TimeSpan.FromMilliseconds(2);
        for (int i = 0; i < 2; i++)
        {
            load.More(200);
            Agrees(server);
            Do(server, "promote");
        }
        load.More(200);
        Agrees(server);
        HasAll(server, load);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_leader_with_threads_that_dies_anywhere_is_succeeded_by_the_other_release_and_no_client_notices(bool promoted)
    {
        for (int round = 0; round < 3 * Host.Rounds; round++)
        {
            int seed = 71 + round;
            RedisUnderMvedsua server = Server(threads: 4);
            using var load = KvClient.Load(server.Port, 8, seed, inShards: true);
            load.ThinkTime = TimeSpan.FromMilliseconds(2);
            load.More(100);
            Released(server, "1.1", "1.0-1.1");
            if (promoted) Do(server, "promote");
            load.More(100 + new Random(seed).Next(200));
            Agrees(server);
            int killed = Pid(server), other = Pid(server, follower: true);
            Host.Kill(killed, Host.SIGKILL);
            Host.Until(() => !Host.IsAlive(killed) && Pid(server) == other, "the other one leads");
            load.More(200);
            HasAll(server, load);
            Assert.True(!server.Log.Contains("shut down", StringComparison.Ordinal), server.Log);
        }
    }

    /// <summary>Before the thread looks at what role it has.</summary>
    private const string WithinARule = "mv_dispatch if mv_self->reconciler && ((struct mv_reconciler *)mv_self->reconciler)->rules.progress.rule >= 0";

    /// <summary>As below, but the leader dies meanwhile, between two calls of its thread: the second write was seen by the client, too.</summary>
    [Fact]
    public void A_thread_within_a_rule_makes_no_call_anew_that_its_dead_leader_made_by_another()
    {
        RedisUnderMvedsua server = Server(threads: 2);
        Released(server, "1.1", "1.0-1.1");
        Do(server, "promote");
        string value = new('v', 3000);
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT large " + value));
        server.InStep();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        using (var between = new StoppedThread(follower, WithinARule))
        {
            using var done = new StoppedThread(leader, "mv_role_clock if mv_self->tid != mv.pid && mv_self->call == 20"); /* a worker has published its writev, and comes to its next call */
            Assert.Equal("VALUE " + value, line.Ask("GET large"));
            between.Reached();
            done.Reached();
            Host.Kill(leader, Host.SIGKILL);
            Thread.Sleep(500); /* nothing tells that it goes on waiting */
            Assert.DoesNotContain($"leader {leader} is gone", server.Log);
        }
        server.PromotedFrom(leader);
        Assert.Equal("COUNT 1", line.Ask("COUNT"));
        Assert.Equal("VALUE " + value, line.Ask("GET large"));
    }

    /// <summary>The new release's one writev of two chunks stands for two writes of the old one, which follows. A debugger holds a worker
    /// between the two: what it would write as the leader has been sent.</summary>
    [Fact]
    public void The_lead_is_not_given_to_a_follower_one_of_whose_threads_is_within_a_rule()
    {
        RedisUnderMvedsua server = Server(threads: 2);
        Released(server, "1.1", "1.0-1.1");
        Do(server, "promote");
        string value = new('v', 3000);
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT large " + value));
        server.InStep();
        int leader = server.LeaderPid;
        using (var between = new StoppedThread(server.FollowerPid, WithinARule))
        {
            Assert.Equal("VALUE " + value, line.Ask("GET large"));
            between.Reached();
            Host.Result refused = server.Mvedsua("promote", RedisUnderMvedsua.Name);
            Assert.True(refused.Status == FollowerBehind, $"{refused.Status}: {refused.Output}{refused.Errors}");
            Assert.Equal(leader, server.LeaderPid);
        }
        server.InStep();
        Do(server, "promote");
        Assert.Equal("VALUE " + value, line.Ask("GET large"));
        Assert.Equal("COUNT 1", line.Ask("COUNT"));
        server.InStep();
        Agrees(server);
    }
}
