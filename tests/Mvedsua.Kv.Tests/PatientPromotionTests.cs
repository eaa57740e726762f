using System.Diagnostics;
using Mvedsua.Drill;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>`--wait`: a new version that is behind is waited for, and the leader is not asked before it has come close.</summary>
public sealed class PatientPromotionTests : UpdatedServers
{
    private const int RefusedByStage = 66, Overtaken = 78, FollowerBehind = 81;

    [Fact]
    public async Task A_version_that_is_behind_is_promoted_when_it_has_caught_up()
    {
        RedisUnderMvedsua server = Behind(out int old, out int stopped, out ClientLoad<KvClient> clients);
        using ClientLoad<KvClient> load = clients;
        string generation = server.Generation;
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "50s"));
        await Task.WhenAny(promotion, Task.Delay(5000, TestContext.Current.CancellationToken)); /* longer than without the option */
        Assert.False(promotion.IsCompleted, "it was not waited for");
        Assert.Equal(generation, server.Generation); /* an offer has one of its own */
        Host.Kill(stopped, Host.SIGCONT);
        Host.Result result = await promotion;
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Matches($"^{stopped} leads, {old} follows it; the server paused for [0-9.]+ ms\n$", result.Output);
        Assert.Equal((stopped, old), (Pid(server), Pid(server, follower: true)));
        load.More(200);
        Agrees(server);
        HasAll(server, load);
    }

    /// <summary>What could break it: while the one that is waited for takes over, no promotion can be asked for.</summary>
    [Fact]
    public async Task A_version_that_is_waited_for_and_succeeds_its_dead_leader_has_been_promoted()
    {
        RedisUnderMvedsua server = Behind(out int old, out int stopped, out ClientLoad<KvClient> clients);
        using ClientLoad<KvClient> load = clients;
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "50s"));
        await Task.WhenAny(promotion, Task.Delay(5000, TestContext.Current.CancellationToken)); /* longer than without the option */
        Assert.False(promotion.IsCompleted, "it was not waited for");
        Host.Kill(old, Host.SIGKILL);
        Host.Until(() => !Host.IsAlive(old), "the leader is dead");
        Host.Kill(stopped, Host.SIGCONT);
        Host.Result result = await promotion;
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Contains($"{stopped} has come to lead meanwhile", result.Output);
        load.More(200);
        HasAll(server, load);
    }

    [Fact]
    public async Task A_version_that_dies_while_it_is_waited_for_is_told_with_the_reason()
    {
        RedisUnderMvedsua server = Behind(out int old, out int stopped, out ClientLoad<KvClient> clients);
        using ClientLoad<KvClient> load = clients;
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "50s"));
        Host.Until(() => server.Log.Contains("it is waited for"), "it is waited for");
        Host.Kill(stopped, Host.SIGKILL);
        Host.Result result = await promotion;
        Assert.Matches($"{stopped} has ended while it was waited for, {old} leads on: it (was killed by SIGKILL|died).", result.Errors); /* told by the coordinator or by the keeper */
        Assert.Equal(RefusedByStage, result.Status);
        load.More(200);
        HasAll(server, load);
    }

    /// <summary>What could break it: a promotion can't be asked for while a follower is attached.</summary>
    [Fact]
    public async Task A_follower_that_comes_meanwhile_is_not_in_the_way()
    {
        RedisUnderMvedsua server = Behind(out _, out int stopped, out ClientLoad<KvClient> clients);
        using ClientLoad<KvClient> load = clients;
        Task<Host.Result> promotion = Task.Run(() => server.Mvedsua("promote", RedisUnderMvedsua.Name, $"{stopped}", "--wait", "50s"));
        Host.Until(() => server.Log.Contains("it is waited for"), "it is waited for");
        for (int i = 0; i < 2; i++)
        {
            Host.Result follow = server.Mvedsua("follow", RedisUnderMvedsua.Name);
            Assert.True(follow.Status == 0, follow.Output + follow.Errors);
        }
        Assert.False(promotion.IsCompleted, "it was not waited for any more");
        Host.Kill(stopped, Host.SIGCONT);
        Host.Result result = await promotion;
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Equal(stopped, Pid(server));
        load.More(200);
        HasAll(server, load);
    }

    [Fact]
    public void One_that_never_catches_up_is_refused_when_its_time_is_over_and_nothing_else_has_changed()
    {
        RedisUnderMvedsua server = Behind(out int old, out int stopped, out ClientLoad<KvClient> clients);
        using ClientLoad<KvClient> load = clients;
        string generation = server.Generation;
        long begin = Stopwatch.GetTimestamp();
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", "6s");
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 6, 20);
        Assert.True(result.Status == FollowerBehind, $"{result.Status}: {result.Output}{result.Errors}");
        Assert.Matches("Leader and follower go on unchanged: the follower is [0-9]+ events behind and does not catch up; .*: it was given 6 s", result.Errors);
        Tell($"slowest answer {load.Slowest.TotalMilliseconds:F1} ms; {result.Errors}");
        Assert.Equal(generation, server.Generation);
        load.More(100);
        Assert.Equal((old, stopped), (Pid(server), Pid(server, follower: true)));
        Host.Kill(stopped, Host.SIGCONT);
        load.More(100);
        HasAll(server, load);
        server.InStep();
    }

    [Fact]
    public void Other_refusals_come_at_once()
    {
        RedisUnderMvedsua server = Server();
        foreach (string[] what in (string[][])[[], ["1"]])
        {
            long begin = Stopwatch.GetTimestamp();
            Host.Result result = server.Mvedsua(["promote", RedisUnderMvedsua.Name, .. what, "--wait", "50s"]);
            Assert.Contains("The session has no follower", result.Errors);
            Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 0, 20);
        }
    }

    /// <summary>What could break it: a coordinator that goes on without its operator.</summary>
    [Fact]
    public void A_promotion_that_is_interrupted_while_it_waits_is_not_made_later()
    {
        RedisUnderMvedsua server = Behind(out int old, out int stopped, out ClientLoad<KvClient> clients);
        using ClientLoad<KvClient> load = clients;
        var start = new ProcessStartInfo(Path.Combine(Host.Products, "mvedsua"), ["promote", RedisUnderMvedsua.Name, "--wait", "10min"]) { RedirectStandardError = true };
        start.Environment["XDG_RUNTIME_DIR"] = server.Folder;
        using (var promotion = Process.Start(start)!)
        {
            Assert.False(promotion.WaitForExit(4000), "it was not waited for");
            Host.Kill(promotion.Id, 2 /* INT */);
            Assert.True(promotion.WaitForExit(20_000));
            Assert.NotEqual(0, promotion.ExitCode);
        }
        Host.Kill(stopped, Host.SIGCONT);
        Host.Until(() => server.Lag < 500, "it has caught up", 60);
        load.More(1000); /* it would have been asked within some milliseconds */
        Assert.Equal((old, stopped), (Pid(server), Pid(server, follower: true)));
        HasAll(server, load);
    }

    /// <summary>Of an idle server: it is in step, so the lead is offered to it, and it lets that pass.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_update_waits_for_its_new_version_until_an_operator_decides_otherwise(bool rollsBack)
    {
        RedisUnderMvedsua server = Idle();
        int old = Pid(server);
        string file = Path.Combine(server.Folder, "update.description");
        File.WriteAllText(file, KvVariant.Resume);
        using var update = new Updating(server, KvPrograms.Of("1.0-crash"), file, "--warm-up", "2s", "--auto-promote", "--wait", "50s");
        update.Is("monitoring");
        int other = Pid(server, follower: true);
        server.InStep();
        string generation = server.Generation;
        Host.Kill(other, Host.SIGSTOP);
        Host.Until(() => server.Generation != generation && !IsPromoting(server), "it has let the offer pass");
        if (rollsBack)
        {
            Host.Until(() => server.Mvedsua("rollback", RedisUnderMvedsua.Name).Status == 0, "the operator's word is heard", 5);
            Assert.Equal(Overtaken, update.Outcome().Status);
            Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
            return;
        }
        Host.Kill(other, Host.SIGCONT);
        Host.Result result = update.Outcome();
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Equal((other, old), (Pid(server), Pid(server, follower: true)));
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        Agrees(server);
    }

    /// <summary>Under load, with a new version that stands still (as under a debugger) and is behind.</summary>
    private RedisUnderMvedsua Behind(out int old, out int stopped, out ClientLoad<KvClient> load)
    {
        RedisUnderMvedsua server = Server();
        load = KvClient.Load(server.Port, 6, 91);
        load.ThinkTime = TimeSpan.FromMilliseconds(2);
        load.More(100);
        Updated(server, KvPrograms.Of("1.0-crash"));
        (old, stopped) = (Pid(server), Pid(server, follower: true));
        Host.Kill(stopped, Host.SIGSTOP);
        Host.Until(() => server.Lag > 2000, "it lags", 60);
        return server;
    }

    private static bool IsPromoting(RedisUnderMvedsua server) => server.Control().StartsWith("stage 6 ", StringComparison.Ordinal);
}
