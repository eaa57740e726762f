using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>Leader and follower change places while clients that know every answer are served.</summary>
public sealed class PromotionTests : ServerTests
{
    private static (int Leader, int Follower) Promote(RedisUnderMvedsua server)
    {
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.True(result.Status == 0, $"promote: {result.Output}{result.Errors}\n{server.Log}\n{server.History}");
        Assert.Matches($"^{follower} leads, {leader} follows it; the server paused for [0-9.]+ ms\n$", result.Output);
        Assert.Equal((follower, leader), (server.LeaderPid, server.FollowerPid));
        return (follower, leader);
    }

    [Fact]
    public void No_answer_is_lost_wrong_or_repeated_as_they_change_places_again_and_again()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 20);
        for (int i = 0; i < 10 * Host.Rounds; i++)
        {
            load.More(300);
            Promote(server);
        }
        load.More(300);
        load.Finish();
        server.InStep();
        Assert.DoesNotContain("ended", server.History);
    }

    /// <summary>Whoever leads: the other one succeeds it, and a third one may follow.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_former_leader_succeeds_a_promoted_one_that_is_killed(int promotions)
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 10);
        load.More(300);
        for (int i = 0; i < promotions; i++) Promote(server);
        load.More(300);
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Kill(leader, Host.SIGKILL);
        Assert.Equal(follower, server.PromotedFrom(leader));
        load.More(300);
        server.Follow();
        Promote(server);
        load.More(300);
        load.Finish();
        server.InStep();
    }

    [Fact]
    public void The_new_leader_goes_on_alone_when_the_former_one_is_killed_or_let_go()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 10);
        Host.Kill(Promote(server).Follower, Host.SIGKILL);
        server.FollowerEnded();
        load.More(300);
        server.Follow();
        (int leader, int former) = Promote(server);
        Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        Host.Until(() => !Host.IsAlive(former), "the former leader is gone");
        load.More(300);
        load.Finish();
        Assert.Equal(leader, server.LeaderPid);
    }

    [Theory]
    [InlineData("promotion-offered", "leader", true)]
    [InlineData("promotion-comes", "follower", false)]
    [InlineData("promotion-taken", "follower", false)]
    [InlineData("promotion-claimed", "promoted", false)]
    [InlineData("promotion-keeper", "promoted", false)]
    [InlineData("promotion-publishes", "promoted", false)]
    [InlineData("promotion-follows", "follower", true)]
    public void Whoever_dies_in_the_middle_the_other_one_leads(string point, string role, bool followerLeads)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: point);
        server.InStep();
        using var load = new CheckedLoad(server, 5);
        load.More(100);
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Host.Until(() => Regex.IsMatch(server.Log, $"the {role} dies at {point}, passage 1: now"), "it dies");
        load.More(300);
        Assert.Equal(followerLeads ? follower : leader, server.LeaderPid);
        Host.Until(() => server.FollowerPid == 0, "the dead one is noticed");
        server.Follow();
        load.More(300);
        load.Finish();
        server.InStep();
    }

    /// <summary>Nobody else tells of it: a promotion has no keeper, and the coordinator stands still. What could break it: the server stands still for as
    /// long as it would wait for a follower that lives.</summary>
    [Theory]
    [InlineData("promotion-comes")]
    [InlineData("promotion-taken")]
    public async Task A_leader_finds_by_itself_that_whom_it_offers_the_lead_is_dead(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: point);
        server.InStep();
        int leader = server.LeaderPid;
        Task<Host.Result> promote;
        using (var gdb = new StoppedThread(leader, "mv_timers_stop"))
        {
            promote = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name));
            gdb.Reached();
            Host.Kill(server.CoordinatorPid, Host.SIGSTOP);
        }
        using (RespClient client = server.Connect()) client.Expect("+PONG\r\n", "PING");
        Host.Kill(server.CoordinatorPid, Host.SIGCONT);
        Assert.Contains("the follower ended before it took the lead", (await promote).Errors);
        Assert.DoesNotContain("did not come within", server.FollowerEnded());
        Assert.Equal(leader, server.LeaderPid);
    }

    /// <summary>It finds somebody else told as the leader, and would go; what it keeps would then be lost with its own.</summary>
    [Fact]
    public void A_new_leaders_keeper_stays_however_late_that_leader_is_told()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "nap:promotion-keeper");
        server.InStep();
        Promote(server);
        Assert.Contains("naps at promotion-keeper", server.Log);
        int keeper = int.Parse(Regex.Match(server.Control(), "keeper ([0-9]+)").Groups[1].Value);
        Assert.True(Host.IsAlive(keeper), $"keeper {keeper} is gone");
        server.InStep();
    }

    /// <summary>What the leader can't give away it keeps.</summary>
    [Fact]
    public void A_promotion_that_is_refused_leaves_everything_as_it_was()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo);
        Host.Result alone = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.Equal((66, "mvedsua: The session has no follower.\n"), (alone.Status, alone.Errors));
        server.Follow();
        server.InStep();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        using RespClient client = server.Connect();
        client.Ok("CONFIG", "SET", "rdb-key-save-delay", "100000"); /* us for each key */
        for (int i = 0; i < 100; i++) client.Ok("SET", $"key:{i}", "value");
        client.Call("BGSAVE");
        Host.Result busy = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.Contains("the server has child processes, whose parent would change", busy.Errors);
        Host.Result nobody = server.Mvedsua("promote", RedisUnderMvedsua.Name, "1");
        Assert.Contains("Process 1 is no follower of the session", nobody.Errors);
        server.InStep();
        Assert.Equal((leader, follower), (server.LeaderPid, server.FollowerPid));
    }

    private const int FollowerBehind = 81;

    /// <summary>It would stop the server for as long as it has to catch up. It is not even offered the lead.</summary>
    [Fact]
    public void A_follower_far_behind_is_refused_the_lead_and_nothing_else_changes()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 5);
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Kill(follower, Host.SIGSTOP);
        Host.Until(() => server.Lag > 2000, "it lags", 60);
        string generation = server.Generation;
        load.ForgetSlowest();
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        TimeSpan slowest = load.Slowest;
        Assert.Equal(FollowerBehind, result.Status);
        Assert.Matches("the follower is [0-9]+ events behind and does not catch up; promote when 'mvedsua status' shows less", result.Errors);
        load.More(100);
        Assert.Equal((leader, follower), (server.LeaderPid, server.FollowerPid));
        Assert.Equal(generation, server.Generation); /* an offer has one of its own */
        Assert.DoesNotContain("leads", server.History);
        Assert.DoesNotContain("was offered", result.Errors);
        Assert.True(slowest < TimeSpan.FromSeconds(1), $"the server stood still for {slowest}, as for an offer");
        Host.Kill(follower, Host.SIGCONT);
        load.Finish();
        server.InStep();
        Assert.Equal((follower, leader), Promote(server));
        server.InStep();
    }

    /// <summary>It stands still where nothing tells so: it was in step. Others that follow keep on, too.</summary>
    [Fact]
    public void An_offer_that_is_not_taken_in_time_is_taken_back_and_nobody_is_lost()
    {
        RedisUnderMvedsua server = Start();
        server.Follow();
        server.InStep();
        int[] followers = Followers(server);
        int leader = server.LeaderPid, stopped = followers[0];
        for (int round = 0; round < 2; round++)
        {
            Host.Kill(stopped, Host.SIGSTOP);
            Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name, $"{stopped}");
            Assert.Equal(FollowerBehind, result.Status);
            Assert.Contains("the lead was offered to it for 1 s", result.Errors);
            using var load = new CheckedLoad(server, 5);
            load.More(200);
            Host.Kill(stopped, Host.SIGCONT);
            load.More(200);
            load.Finish();
            server.InStep();
            Assert.Equal((leader, string.Join(' ', followers)), (server.LeaderPid, string.Join(' ', Followers(server))));
        }
        Assert.DoesNotContain("ended", server.History);
        Host.Result promoted = server.Mvedsua("promote", RedisUnderMvedsua.Name, $"{stopped}");
        Assert.True(promoted.Status == 0, promoted.Errors);
        using RespClient client = server.Connect();
        client.Ok("SET", "key", "of the new leader");
        Assert.Equal(stopped, server.LeaderPid);
        Host.Until(() => Followers(server).SequenceEqual([leader]), "the former leader follows, the other one is replaced");
        Assert.Contains("it was replaced", server.History);
        server.InStep();
    }

    private static int[] Followers(RedisUnderMvedsua server) =>
        [.. server.Status().GetProperty("followers").EnumerateArray().Select(f => f.GetProperty("pid").GetInt32())];

    /// <summary>The follower stands before the offer as it is taken back, or behind it when it is too late for that: one of the two is first.</summary>
    [Fact]
    public void A_follower_that_has_come_to_an_offer_as_it_is_taken_back_follows_on()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "stop:promotion-comes");
        server.InStep();
        using var load = new CheckedLoad(server, 5);
        load.More(100);
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.Equal(FollowerBehind, result.Status);
        Assert.Contains("the follower stops at promotion-comes", server.Log);
        load.More(100);
        Host.Kill(follower, Host.SIGCONT);
        load.More(300);
        load.Finish();
        server.InStep();
        Assert.Equal((leader, follower), (server.LeaderPid, server.FollowerPid));
        Promote(server);
        server.InStep();
    }

    /// <summary>Nobody could tell whether it is just about to claim: it is ended, by a word that it can't claim without.</summary>
    [Fact]
    public void A_follower_that_takes_the_offer_and_stands_still_is_ended_by_name_and_the_leader_leads_on()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "stop:promotion-taken");
        server.InStep();
        using var load = new CheckedLoad(server, 5);
        load.More(100);
        int leader = server.LeaderPid;
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.NotEqual(0, result.Status);
        Assert.Contains("the follower ended before it took the lead", result.Errors);
        Assert.Contains("the follower stops at promotion-taken", server.Log);
        Assert.Contains("ended: it did not come within 2 s, for which the server stood still: it took the offer of the lead and did not lead", server.FollowerEnded());
        load.More(300);
        Assert.Equal(leader, server.LeaderPid);
        server.Follow();
        load.More(100);
        load.Finish();
        server.InStep();
    }

    [Fact]
    public async Task An_offer_that_is_taken_just_before_it_would_be_taken_back_stays_taken()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(products: variant.Products, faults: "nap:promotion-overdue");
        server.InStep();
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        using var load = new CheckedLoad(server, 5);
        load.More(100);
        load.Finish();
        server.InStep();
        Host.Kill(follower, Host.SIGSTOP);
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name));
        Host.Until(() => server.Log.Contains("the leader naps at promotion-overdue, passage 1: now", StringComparison.Ordinal), "it is about to take it back");
        Host.Kill(follower, Host.SIGCONT);
        Host.Result result = await promotion;
        Assert.True(result.Status == 0, result.Errors);
        Assert.Equal((follower, leader), (server.LeaderPid, server.FollowerPid));
        using var more = new CheckedLoad(server, 5);
        more.More(300);
        more.Finish();
        server.InStep();
    }

    /// <summary>The two at any distance from each other: what is told is what has happened, and nobody is lost.</summary>
    [Fact]
    public async Task Whoever_is_first_as_an_offer_is_overdue_both_go_on_and_the_outcome_says_who_leads()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("hard"), prepare: HardServer.Compile);
        server.Answers();
        for (int i = 0; i < 12 * Host.Rounds; i++)
        {
            server.InStep();
            (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
            Host.Kill(follower, Host.SIGSTOP);
            Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name));
            Host.Until(() => server.Control().StartsWith("stage 6 ", StringComparison.Ordinal), "it is offered");
            long offered = Environment.TickCount64;
            while (Environment.TickCount64 - offered < 980 + 4 * (i % 12)) Thread.Sleep(1);
            Host.Kill(follower, Host.SIGCONT);
            Host.Result result = await promotion;
            Assert.Equal(result.Status switch { 0 => (follower, leader), FollowerBehind => (leader, follower), _ => default }, (server.LeaderPid, server.FollowerPid));
            using var load = new HardServer.Load(server, HardServer.Repeated, 3, seed: i);
            load.More(30);
            load.Finish();
        }
        server.InStep();
        Assert.DoesNotContain("ended", server.History);
    }

    [Fact]
    public void Timers_signals_and_subscribers_go_with_the_lead()
    {
        RedisUnderMvedsua server = Start();
        using RespClient subscriber = server.Connect(), other = server.Connect();
        subscriber.Call("SUBSCRIBE", "news");
        other.Ok("SET", "gone", "soon", "PX", "3000"); /* a busy machine takes its time for what follows */
        Promote(server);
        other.Expect(RespClient.Bulk("soon"), "GET", "gone");
        Host.Until(() => other.Call("GET", "gone") == "$-1\r\n", "the new leader lets it expire");
        other.Expect(":1\r\n", "PUBLISH", "news", "of the new leader");
        Assert.Equal("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$17\r\nof the new leader\r\n", subscriber.Read());
        server.InStep();
        (int leader, int former) = Promote(server);
        Host.Kill(server.CoordinatorPid, Host.SIGTERM); /* passed on to whoever leads */
        Host.Until(() => server.HasEnded, "the server ends as it is told");
        Assert.Equal(0, server.ExitStatus);
        Host.Until(() => !Host.IsAlive(leader) && !Host.IsAlive(former), "both are gone");
    }

    [Fact]
    public void A_server_with_locks_threads_and_waits_of_all_kinds_changes_places_under_load()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("hard"), prepare: HardServer.Compile);
        server.Answers();
        TimeSpan think = TimeSpan.FromMilliseconds(5);
        using var load = new HardServer.Load(server, HardServer.Repeated, 4) { ThinkTime = think };
        for (int i = 0; i < 5 * Host.Rounds; i++)
        {
            load.More(60);
            server.InStepUnderLoad();
            /* The threads of the follower wait for their turns, each for the processor: on a busy machine it keeps up with fewer requests. */
            Host.Until(() =>
            {
                bool near = server.Status().GetProperty("lag").GetProperty("events").GetInt64() < 2000;
                if (!near) load.ThinkTime += TimeSpan.FromMilliseconds(1);
                return near;
            }, "it has nearly caught up", 60);
            Promote(server);
            load.ThinkTime = think;
        }
        load.More(60);
        load.Finish();
        server.InStep();
    }
}
