using System.Diagnostics;
using Mvedsua.Follower.Tests;
using Mvedsua.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>The leader is killed while `mvedsua update` is under way: before the copy is made, while it becomes the new version, as it begins to follow. A
/// follower of the old version is there, so somebody always is left.</summary>
public sealed class KilledUpdateTests : UpdatedRedis
{
    private const int Connected = 4, Ok = 0, UpdateFailed = 76, NewVersionEnded = 77, Overtaken = 78;

    [Theory]
    [InlineData("7.0.15 u7-u10", 71)]
    [InlineData("8.0.2-8.0.6", 72)]
    public void A_leader_that_is_killed_during_an_update_is_succeeded_and_all_answers_and_data_are_a_twins(string pair, int seed)
    {
        var random = new Random(seed);
        (TimeSpan untilCopied, TimeSpan afterwards) = Round(pair, seed, null, default);
        for (int i = 1; i <= Host.Rounds; i++)
        {
            Round(pair, seed + 100 * i, false, untilCopied * random.NextDouble());
            Round(pair, seed + 100 * i + 1, true, afterwards / 2 * random.NextDouble());
            Round(pair, seed + 100 * i + 2, true, afterwards / 2 * (1 + random.NextDouble()));
        }
    }

    /// <param name="pair">Of <see cref="RedisVersions"/>.</param>
    /// <param name="seed">Of the load.</param>
    /// <param name="isCopied">When the leader is killed: after the copy is made, or after the update was asked for; null: it is not.</param>
    /// <param name="after">So long after that.</param>
    /// <returns>How long it took to make the copy, and how long to make that the new version.</returns>
    private (TimeSpan UntilCopied, TimeSpan Afterwards) Round(string pair, int seed, bool? isCopied, TimeSpan after)
    {
        (string old, string other) = RedisVersions.Build(pair);
        using RedisUnderMvedsua server = Server(old, RedisUnderMvedsua.Mode.Followed, ["--save", "\"\"", "--appendonly", "yes"]), twin = Server(old, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]);
        using RespClient client = server.Connect(), twinClient = twin.Connect();
        Parallel.Invoke(() => MixedKeys.Fill(client, 500), () => MixedKeys.Fill(twinClient, 500));
        string script = MixedKeys.LoadScripts(client);
        Assert.Equal(script, MixedKeys.LoadScripts(twinClient));
        bool isEight = EncodedKeys.IsEight(client);
        using var load = new TwinLoad(server.Port, twin.Port, script, Connected, seed, (commands, number) => EncodedKeys.Touch(commands, number, isEight));
        load.Begin();
        load.More(500);
        int leader = server.LeaderPid;
        string generation = server.Generation;
        long begin = Stopwatch.GetTimestamp();
        using var update = new Updating(server, other, Description(pair), "--rules", DebianServer.Rules("redis"));
        if (isCopied != false) Host.Until(() => server.Generation != generation || update.IsOver, "the copy is made");
        TimeSpan untilCopied = Stopwatch.GetElapsedTime(begin);
        if (isCopied is not null)
        {
            Thread.Sleep(after); /* the moment is what is tried: there is nothing to wait for */
            Tell($"{pair}: killed {after.TotalMilliseconds:0} ms after the {(isCopied.Value ? "copy was made" : "update was asked for")}{(update.IsOver ? ", when it was over" : "")}");
            Host.Kill(leader, Host.SIGKILL);
        }
        Host.Result result = update.Outcome();
        TimeSpan whole = Stopwatch.GetElapsedTime(begin);
        if (isCopied is null) Assert.Equal(Ok, result.Status);
        else
        {
            Assert.Contains(result.Status, (int[])[Ok, UpdateFailed, NewVersionEnded, Overtaken]);
            Tell($"{server.PromotedFrom(leader)} leads: {server.History}");
        }
        load.More(500);
        load.Finish();
        client.Expect(twinClient.Ok("DEBUG", "DIGEST"), "DEBUG", "DIGEST");
        new KeyState(client, twinClient).IsTheTwins();
        return (untilCopied, whole - untilCopied);
    }
}
