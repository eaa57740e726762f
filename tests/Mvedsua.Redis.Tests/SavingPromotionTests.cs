using System.Diagnostics;
using System.Text.RegularExpressions;
using Mvedsua.Follower.Tests;
using Mvedsua.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>A promotion beside a save in the background: the process that saves would lose its parent, so its end is waited for.</summary>
public sealed class SavingPromotionTests : UpdatedRedis
{
    private const string Pair = "7.0.15 u7-u10";
    private const int RefusedByStage = 66, Overtaken = 78, Keys = 300;

    /// <summary>Longer than a promotion waits if nobody says how long.</summary>
    private static Task LongerThanUsual => Task.Delay(4000, TestContext.Current.CancellationToken);

    [Fact]
    public async Task A_promotion_that_is_told_to_wait_is_made_when_the_save_has_ended_and_the_leader_is_not_asked_before()
    {
        (RedisUnderMvedsua server, RespClient client) = Updated();
        using RespClient _ = client;
        (int old, int updated) = (server.LeaderPid, server.FollowerPid);
        Save save = Stopped(server, client);
        string requests = Requests(server);
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "60s"));
        WaitsFor(server, save);
        await Task.WhenAny(promotion, LongerThanUsual);
        Assert.False(promotion.IsCompleted, "it was not waited for");
        Assert.Equal(requests, Requests(server));
        Assert.True(save.IsUnderWay);
        save.GoOn();
        Host.Result result = await promotion;
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.False(save.IsUnderWay);
        Assert.Equal((updated, old), (server.LeaderPid, server.FollowerPid));
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Ok("INFO", "persistence"));
        client.Expect($":{Keys}\r\n", "DBSIZE");
        server.InStep();
    }

    [Fact]
    public void One_that_is_not_told_to_is_refused_after_a_moment_with_the_cure_and_the_server_is_untouched()
    {
        (RedisUnderMvedsua server, RespClient client) = Updated();
        using RespClient _ = client;
        (int old, int updated) = (server.LeaderPid, server.FollowerPid);
        Save save = Stopped(server, client);
        string requests = Requests(server);
        long begin = Stopwatch.GetTimestamp();
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name);
        TimeSpan took = Stopwatch.GetElapsedTime(begin);
        Assert.Equal(RefusedByStage, result.Status);
        Assert.Matches($@"^mvedsua: Leader and follower go on unchanged: the server has child processes, whose parent would change: {save.Pid} \(.+\)\. "
            + @"They were given 3 s; ask again when they have ended, or with a longer --wait\.\n$", result.Errors);
        Assert.InRange(took.TotalSeconds, 3, 20);
        Assert.Equal(requests, Requests(server));
        Assert.Equal((old, updated), (server.LeaderPid, server.FollowerPid));
        Assert.True(save.IsUnderWay);
        save.GoOn();
        Do(server, "promote");
        Assert.Equal((updated, old), (server.LeaderPid, server.FollowerPid));
    }

    /// <summary>Nobody has said how long: an update that goes on by itself does not give up for a save.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_update_that_promotes_by_itself_waits_for_a_save_until_an_operator_decides_otherwise(bool rollsBack)
    {
        (RedisUnderMvedsua server, string other) = Server(Pair);
        using RespClient client = Filled(server);
        int old = server.LeaderPid;
        Save save = Stopped(server, client);
        using var update = new Updating(server, other, Description(Pair), "--rules", DebianServer.Rules("redis"), "--warm-up", "200ms", "--auto-promote");
        WaitsFor(server, save);
        if (!rollsBack) await LongerThanUsual;
        Assert.False(update.IsOver, "it was not waited for");
        if (rollsBack)
        {
            Do(server, "rollback");
            Assert.Equal(Overtaken, update.Outcome().Status);
            save.GoOn();
            Assert.Equal((old, 0), (server.LeaderPid, server.FollowerPid));
            return;
        }
        int updated = server.FollowerPid;
        save.GoOn();
        Host.Result result = update.Outcome();
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Equal((updated, old), (server.LeaderPid, server.FollowerPid));
        client.Expect($":{Keys}\r\n", "DBSIZE");
    }

    /// <summary>The kernel has given it to the coordinator, and whoever leads takes it for its own.</summary>
    [Fact]
    public async Task A_save_whose_parent_has_died_is_waited_for_as_well()
    {
        RedisUnderMvedsua server = Server(RedisVersions.Build(Pair).Old, RedisUnderMvedsua.Mode.Followed, ["--save", "\"\""]);
        using RespClient client = Filled(server);
        server.InStep();
        int dead = server.LeaderPid;
        Save save = Stopped(server, client);
        Host.Kill(dead, Host.SIGKILL);
        int leader = server.PromotedFrom(dead);
        server.Follow();
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "60s"));
        WaitsFor(server, save);
        await Task.WhenAny(promotion, LongerThanUsual);
        Assert.False(promotion.IsCompleted, "it was not waited for");
        save.GoOn();
        Host.Result result = await promotion;
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.NotEqual(leader, server.LeaderPid);
        Assert.Contains("\r\nrdb_last_bgsave_status:ok\r\n", client.Ok("INFO", "persistence"));
    }

    private (RedisUnderMvedsua Server, RespClient Client) Updated()
    {
        (RedisUnderMvedsua server, string other) = Server(Pair);
        RespClient client = Filled(server);
        Update(server, Pair, other);
        server.InStep();
        return (server, client);
    }

    private static RespClient Filled(RedisUnderMvedsua server)
    {
        RespClient client = server.Connect();
        for (int i = 0; i < Keys; i++) client.Ok("SET", $"key:{i}", "value");
        return client;
    }

    /// <summary>A save that lasts until it is told to go on, and half a second.</summary>
    private static Save Stopped(RedisUnderMvedsua server, RespClient client)
    {
        var save = new Save(server.LeaderPid, client, 2000);
        save.Stop();
        return save;
    }

    private static void WaitsFor(RedisUnderMvedsua server, Save save) =>
        Host.Until(() => server.Log.Contains($"leads as soon as the server's child processes have ended: {save.Pid} ("), "the save is waited for");

    /// <summary>How many requests the leader was sent.</summary>
    private static string Requests(RedisUnderMvedsua server) => Regex.Match(server.Control(), "request [0-9]+/[0-9]+").Value;
}
