using System.Text.Json;

namespace Mvedsua.Follower.Tests;

/// <summary>Two and three followers at once. What could break them: one that holds up, or takes along, another; two that both lead, or none;
/// one that comes while others replay and misses a record, a turn or a signal; an index that is given to a second process too early.</summary>
public sealed class ManyFollowersTests : ServerTests
{
    private RedisUnderMvedsua Many(int followers, params string[] run) =>
        Start(RedisUnderMvedsua.Mode.Solo, run: ["--followers", $"{followers}", .. run]);

    internal static int[] Followers(RedisUnderMvedsua server) =>
        [.. server.Status().GetProperty("followers").EnumerateArray().Select(f => f.GetProperty("pid").GetInt32())];

    private static bool IsInStep(JsonElement follower) => follower.GetProperty("state").GetString() == "replaying"
        && follower.GetProperty("lag").GetProperty("events").GetInt64() == 0;

    /// <summary>So many replay, and have read everything.</summary>
    private static void AllInStep(RedisUnderMvedsua server, int followers)
    {
        JsonElement status = default;
        try
        {
            Host.Until(() =>
            {
                status = server.Status();
                JsonElement[] each = [.. status.GetProperty("followers").EnumerateArray()];
                return each.Length == followers && each.All(IsInStep);
            }, $"{followers} followers are in step", 30);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}\n{status}\n{server.Control()}\n{server.Tail()}", e);
        }
    }

    private static void Gone(int pid, string why) => Host.Until(() => !Host.IsAlive(pid), why);

    [Theory, InlineData(2), InlineData(3)]
    public void Clients_cannot_tell_how_many_follow(int followers)
    {
        List<string> first = TranscriptTests.Play(Start(RedisUnderMvedsua.Mode.Native), null), second = TranscriptTests.Play(Start(RedisUnderMvedsua.Mode.Native), null);
        RedisUnderMvedsua server = Many(followers);
        AllInStep(server, followers);
        int leader = server.LeaderPid;
        TranscriptTests.Compare($"{followers} followers", first, second, TranscriptTests.Play(server, () => Host.Kill(leader, Host.SIGKILL)));
        server.PromotedFrom(leader);
        AllInStep(server, followers);
    }

    [Fact]
    public void One_follower_that_is_killed_leaves_the_other_in_step_and_the_leader_untouched()
    {
        RedisUnderMvedsua server = Many(2);
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        using var load = new CheckedLoad(server, 5);
        load.More(200);
        Host.Kill(both[0], Host.SIGKILL);
        load.More(500);
        load.Finish();
        Assert.Equal((0, 0), (load.Ambiguous, load.Closed));
        AllInStep(server, 1);
        Assert.Equal([both[1]], Followers(server));
        Assert.Equal(leader, server.LeaderPid);
        Assert.Matches($"follower {both[0]} ended: it (was killed|died)", server.History);
    }

    [Fact]
    public void One_follower_that_diverges_leaves_the_other_in_step_and_is_reported()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, run: ["--followers", "2"], server: ["{folder}/hostile", "{folder}/proof", "{port}"],
            prepare: OwnServer.Compile("hostile"));
        server.Answers();
        using var client = new Line(server);
        Assert.Equal("done", client.Ask("send"));
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        Assert.True(OtherMemory.Poke(both[0], "who is it? the leader, or its copy", "It is hostile") > 0, "the mark is in the follower's memory");
        Assert.Equal("done", client.Ask("send"));
        Gone(both[0], "the hostile one has ended");
        for (int i = 0; i < 5; i++) Assert.Equal("done", client.Ask("send"));
        AllInStep(server, 1);
        Assert.Equal([both[1]], Followers(server));
        Assert.Equal(leader, server.LeaderPid);
        Assert.Contains($"follower {both[0]} ended: it diverged", server.History);
        Assert.Contains("hostile", server.Report());
        Host.Kill(leader, Host.SIGKILL);
        Assert.Equal(both[1], server.PromotedFrom(leader));
        Assert.Equal("done", client.Ask("send"));
    }

    [Fact]
    public void In_fifty_kills_of_the_leader_exactly_one_of_its_followers_leads_and_no_answer_is_lost()
    {
        const int kills = 50;
        RedisUnderMvedsua server = Many(2);
        AllInStep(server, 2);
        using var load = new CheckedLoad(server, 5);
        for (int kill = 0; kill < kills; kill++)
        {
            load.More(50);
            Host.Until(() => Followers(server).Length == 2, "two follow", 60);
            int leader = server.LeaderPid;
            int[] both = Followers(server);
            Host.Kill(leader, Host.SIGKILL);
            int promoted = server.PromotedFrom(leader);
            Assert.Contains(promoted, both);
            Gone(both.First(pid => pid != promoted), "the other one ends");
            Assert.True(Host.IsAlive(promoted));
        }
        load.More(100);
        load.Finish();
        Tell($"slowest request {load.Slowest.TotalMilliseconds:F1} ms");
        Assert.Equal((0, 0), (load.Ambiguous, load.Closed));
        AllInStep(server, 2);
        Assert.Contains("ended: it was replaced by the new leader", server.History);
        Assert.DoesNotContain("diverged", server.History);
    }

    [Fact]
    public void Followers_are_attached_to_a_loaded_leader_beside_others_and_ended_one_by_one()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo);
        using var load = new CheckedLoad(server, 5);
        for (int round = 0; round < 3 * Host.Rounds; round++)
        {
            for (int i = 1; i <= 3; i++)
            {
                load.More(50);
                server.Follow();
                Assert.Equal(i, Followers(server).Length);
            }
            Host.Result fourth = server.Mvedsua("follow", RedisUnderMvedsua.Name);
            Assert.Contains("has 3 followers already", fourth.Errors);
            int[] all = Followers(server);
            Host.Result one = server.Mvedsua("unfollow", RedisUnderMvedsua.Name, $"{all[1]}");
            Assert.True(one.Status == 0, one.Errors);
            Assert.Equal([all[0], all[2]], Followers(server));
            load.More(50);
            if (round == 0)
            {
                int leader = server.LeaderPid;
                Host.Kill(leader, Host.SIGKILL);
                Assert.Contains(server.PromotedFrom(leader), all);
                load.More(50);
                Host.Until(() => Followers(server).Length == 0, "the other one was replaced, and nobody asked for more");
            }
            else
            {
                Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name, "--all").Status);
            }
        }
        load.Finish();
        Assert.DoesNotContain("diverged", server.History);
    }

    [Fact]
    public void A_follower_that_comes_while_signals_are_delivered_to_others_misses_none()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: OwnServer.Command("masks"), prepare: OwnServer.Compile("masks"));
        server.Answers();
        using var client = new Line(server);
        int way = 0, handled = 0;
        void Load(int requests)
        {
            for (int i = 0; i < requests; i++, way++)
            {
                /* Few of the ways with a thread: a busy machine's followers read of 128 ended ones too late. */
                if (way % 10 == 0 && way % 200 != 0) way++;
                handled += way % 10 == 0 ? 2 : 1;
                Assert.Equal($"right {handled}", client.Ask($"{way}"));
            }
        }
        for (int round = 0; round < 5 * Host.Rounds; round++)
        {
            using var stop = new CancellationTokenSource();
            Exception? wrong = null;
            var load = new Thread(() =>
            {
                try { while (!stop.IsCancellationRequested) Load(10); }
                catch (Exception e) { wrong = e; }
            });
            load.Start();
            try
            {
                for (int i = 0; i < 3; i++) server.Follow();
            }
            finally
            {
                stop.Cancel();
                load.Join();
            }
            Assert.Null(wrong);
            AllInStep(server, 3);
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name, "--all").Status);
        }
    }

    [Theory]
    [InlineData("--log-limit", "8M", "log limit")]
    [InlineData("--lag-limit", "2M", "lag")]
    [InlineData("--lag-limit", "500ms", "lag")]
    public void A_limit_ends_the_slowest_follower_by_name_and_no_other(string option, string limit, string reason)
    {
        RedisUnderMvedsua server = Many(2, option, limit);
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        Host.Kill(both[0], Host.SIGSTOP);
        using var load = new CheckedLoad(server, 2, thinkMs: 1); /* the other one keeps up */
        Host.Until(() => !Followers(server).Contains(both[0]) || load.Wrong is not null, "the stopped one has ended", 60);
        load.More(100);
        load.Finish();
        Assert.Contains($"follower {both[0]} ended", server.History);
        Assert.Contains(reason, server.History);
        Gone(both[0], "it is gone");
        AllInStep(server, 1);
        Assert.Equal((both[1], leader), (Followers(server)[0], server.LeaderPid));
    }

    [Fact]
    public void Of_two_followers_that_claim_at_the_same_instant_one_leads_and_the_other_is_ended_by_name()
    {
        RedisUnderMvedsua server = Many(2);
        using RespClient client = server.Connect();
        client.Expect("+OK\r\n", "SET", "key", "value");
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        using (StoppedThread one = new(both[0], "mv_lead"), two = new(both[1], "mv_lead"))
        {
            Host.Kill(leader, Host.SIGKILL);
            one.Reached();
            two.Reached();
        }
        int promoted = server.PromotedFrom(leader);
        client.Expect(RespClient.Bulk("value"), "GET", "key");
        int other = both.Single(pid => pid != promoted);
        Gone(other, "the other one ends");
        Host.Until(() => server.History.Contains($"follower {other} ended: it was replaced by the new leader"), $"it is told why: {server.History}");
        AllInStep(server, 2);
    }

    [Fact]
    public void A_follower_that_dies_as_it_claims_leaves_the_place_to_another()
    {
        RedisUnderMvedsua server = Many(2);
        using RespClient client = server.Connect();
        client.Expect("+OK\r\n", "SET", "key", "value");
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        using (StoppedThread one = new(both[0], "mv_lead"), two = new(both[1], "mv_member_let_go"))
        {
            Host.Kill(leader, Host.SIGKILL);
            one.Reached();
            two.Reached();
            one.Kill(both[0]);
        }
        Assert.Equal(both[1], server.PromotedFrom(leader));
        client.Expect(RespClient.Bulk("value"), "GET", "key");
        AllInStep(server, 2);
    }

    [Fact]
    public void A_follower_that_slept_through_the_takeover_of_another_does_not_lead()
    {
        RedisUnderMvedsua server = Many(2);
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        Host.Kill(server.CoordinatorPid, Host.SIGSTOP); /* nobody else ends it */
        Host.Kill(both[0], Host.SIGSTOP);
        using RespClient client = server.Connect();
        Host.Kill(leader, Host.SIGKILL);
        client.Expect("+OK\r\n", "SET", "key", "value");
        Host.Kill(both[0], Host.SIGCONT);
        Gone(both[0], "it ends");
        client.Expect(RespClient.Bulk("value"), "GET", "key");
        Host.Kill(server.CoordinatorPid, Host.SIGCONT);
        Assert.Equal(both[1], server.PromotedFrom(leader));
        AllInStep(server, 2);
    }

    /// <summary>Two followers of a server that does the same in both, with a record that neither has read when the leader dies. Those
    /// of `hostile` then do something else.</summary>
    private (RedisUnderMvedsua Server, Line Client, int Leader, int[] Both) Dead(int hostile)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, run: ["--followers", "2"], server: ["{folder}/hostile", "{folder}/proof", "{port}"],
            prepare: OwnServer.Compile("hostile"));
        server.Answers();
        var client = new Line(server);
        Assert.Equal("done", client.Ask("send"));
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        for (int i = 0; i < hostile; i++)
            Assert.True(OtherMemory.Poke(both[i], "who is it? the leader, or its copy", "It is hostile") > 0, "the mark is in the follower's memory");
        foreach (int pid in both) Host.Kill(pid, Host.SIGSTOP);
        Assert.Equal("done", client.Ask("send"));
        Assert.Equal("done", client.Ask("send")); /* an answer may come before its record: by now the first one's is there */
        Host.Kill(leader, Host.SIGKILL);
        Gone(leader, "the leader is dead");
        return (server, client, leader, both);
    }

    [Fact]
    public void A_follower_that_differs_from_its_dead_leader_gives_way_to_one_that_does_not()
    {
        (RedisUnderMvedsua server, Line client, int leader, int[] both) = Dead(hostile: 1);
        using Line open = client;
        Host.Kill(both[0], Host.SIGCONT);
        Gone(both[0], "the one that differs ends, though nobody leads yet");
        Host.Kill(both[1], Host.SIGCONT);
        Assert.Equal(both[1], server.PromotedFrom(leader));
        Assert.Equal("done", open.Ask("send"));
        Assert.Contains($"follower {both[0]} ended: it diverged", server.History);
        Assert.False(File.Exists(Path.Combine(server.Folder, "proof")));
        AllInStep(server, 2);
    }

    [Fact]
    public void Of_two_followers_that_both_differ_from_their_dead_leader_one_serves()
    {
        (RedisUnderMvedsua server, Line client, _, int[] both) = Dead(hostile: 2);
        using Line open = client;
        foreach (int pid in both) Host.Kill(pid, Host.SIGCONT);
        /* (What it does then is its own affair: its writes to a connection in doubt may end it.) */
        Host.Until(() => both.Any(pid => server.Log.Contains($"{pid} leads now")), "one of them leads");
        Assert.Single(both, pid => server.Log.Contains($"[{pid}] the follower differs from its leader, which is dead: it serves from where they part"));
        Host.Until(() => both.Count(Host.IsAlive) <= 1, "the other one ends");
    }

    [Fact]
    public void What_a_follower_that_is_ended_by_the_limit_has_held_in_all_threads_logs_is_room_for_the_others()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, run: ["--followers", "2", "--log-limit", "8M"], server: OwnServer.Command("workers"),
            prepare: OwnServer.Compile("workers"));
        server.Answers();
        using var client = new ThreadTests.Lines(server);
        client.Load(100);
        AllInStep(server, 2);
        int leader = server.LeaderPid;
        int[] both = Followers(server);
        Host.Kill(both[0], Host.SIGSTOP);
        void LoadInStep() /* the other one has read all of it: whatever the log holds is the stopped one's */
        {
            client.Load(200);
            Host.Until(() => server.Status().GetProperty("followers").EnumerateArray().Any(f =>
                f.GetProperty("pid").GetInt32() == both[1] && IsInStep(f)), "the other one has read it", 30);
        }

        while (Followers(server).Contains(both[0])) LoadInStep();
        for (int i = 0; i < 5; i++) LoadInStep();
        Assert.Contains($"follower {both[0]} ended: ", server.History);
        AllInStep(server, 1);
        Assert.Equal((both[1], leader), (Followers(server)[0], server.LeaderPid));
    }

    [Fact]
    public void Threads_under_load_stay_in_step_with_several_followers_that_came_one_after_the_other()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: OwnServer.Command("workers"), prepare: OwnServer.Compile("workers"));
        server.Answers();
        using var client = new ThreadTests.Lines(server);
        for (int i = 0; i < 3; i++)
        {
            server.Follow();
            client.Load(100);
        }
        AllInStep(server, 3);
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        client.Load(200);
        server.PromotedFrom(leader);
        server.Follow();
        client.Load(100);
        server.Follow();
        client.Load(100);
        AllInStep(server, 2);
    }
}
