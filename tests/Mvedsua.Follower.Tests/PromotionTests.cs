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
    [InlineData("promotion-taken", "follower", false)]
    [InlineData("promotion-claimed", "promoted", false)]
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

    [Fact]
    public void A_follower_that_stands_still_is_ended_and_its_leader_leads_on()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 5);
        (int leader, int follower) = (server.LeaderPid, server.FollowerPid);
        Host.Kill(follower, Host.SIGSTOP);
        load.More(100);
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        Assert.NotEqual(0, result.Status);
        load.More(100);
        Assert.Equal(leader, server.LeaderPid);
        Assert.Contains("it did not take the lead within 2 s", server.FollowerEnded());
        server.Follow();
        load.Finish();
        server.InStep();
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
        using var load = new HardServer.Load(server, HardServer.Repeated, 4);
        for (int i = 0; i < 5 * Host.Rounds; i++)
        {
            load.More(60);
            server.InStepUnderLoad();
            Host.Until(() => server.Status().GetProperty("lag").GetProperty("events").GetInt64() < 2000, "it has nearly caught up", 60);
            Promote(server);
        }
        load.More(60);
        load.Finish();
        server.InStep();
    }
}
