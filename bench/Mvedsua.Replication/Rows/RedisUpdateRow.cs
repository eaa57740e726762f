using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Redis with a million keys is updated, promoted and rolled back under a load that checks every answer. After each update a native
/// one is loaded for as long: requests that the machine delays are in both.</summary>
internal static class RedisUpdateRow
{
    private const int Keys = 1_000_000, Connections = 50;
    private static readonly (int Idle, double Goal)[] _crowds = [(1_000, 5e-3), (5_000, 10e-3)];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort, string program, NewVersion version)
    {
        var recipe = Recipe.RedisOf(program, "--enable-debug-command", "local");
        using var native = new Server(paths, Mode.Native, recipe);
        using var session = new Server(paths, Mode.Session, recipe);
        foreach (var server in new[] { native, session }) Programs.Run("redis-cli", ["-p", $"{server.Port}", "debug", "populate", $"{Keys}"]);
        var touched = Memory.Touched(session.Pid);
        var rounds = paths.Log.Repeat("update", effort.Updates, () =>
        {
            var round = UpdateRound.Measure(paths, session, version, Connections);
            return (Update: round, Native: LongestOf(paths, native, round.Seconds), Fork: RedisFork.Measure(native));
        });
        foreach (var result in Results([.. rounds.Select(r => r.Update)], [.. rounds.Select(r => r.Native)], [.. rounds.Select(r => r.Fork)], touched)) yield return result;

        foreach (var (idle, goal) in _crowds)
        {
            using var others = new IdleConnections(session.Port, idle);
            var clients = $"{idle} idle connections";
            yield return Promotion(paths.Log.Repeat($"promotion, {clients}", effort.Updates, () => UpdateRound.Measure(paths, session, version, Connections)), clients, goal);
        }
    }

    private static IEnumerable<Result> Results(UpdateRound[] rounds, double[] reference, double[] fork, double touched)
    {
        double[] longest = [.. rounds.Select(r => r.Longest)], stop = [.. rounds.Select(r => r.Reply.Stop)];
        yield return new Result("update: longest request, redis, 1 M keys, beyond native's", Sample.OfDifferences(longest, reference), Unit.Milliseconds, 10e-3,
            Published: "117 ms, native 100, Kitsune 5040", Note: Text(
                $"{Connections} connections; {Sample.Of(longest).Median * 1e3:0.0} ms, native in as long a time {Sample.Of(reference).Median * 1e3:0.0} ms; {rounds.Sum(r => r.Errors)} clients noticed in {rounds.Length} updates, promotions and rollbacks")) { Noticed = rounds.Sum(r => r.Errors) };
        yield return new Result("update ready: redis, 1 M keys", Sample.Of(rounds.Select(r => r.Reply.Ready)), Unit.Milliseconds, 0.25, Floor: "100 ms", Published: "6200 ms",
            Note: "under that load, from the copy on; as 'update' says");
        var gigabytes = touched / 1e9;
        yield return new Result("update: the leader's stop beyond a native fork()", Sample.OfDifferences(stop, fork), Unit.Milliseconds, 1e-3, Note: Text(
            $"{touched / 1e6:0} MB of touched heap; a GB: stop {Sample.Of(stop).Median / gigabytes * 1e3:0.0} ms, fork() {Sample.Of(fork).Median / gigabytes * 1e3:0.0} ms"));
        yield return new Result("update: memory on top, redis, 1 M keys", Sample.Of(rounds.Select(r => r.OnTop)), Unit.MebiBytes, Note: Text(
            $"old and new version together beyond the old one alone, of {touched / (1 << 20):0} MiB of touched heap, as the new one has caught up; each shared page counted once"));
        yield return Promotion(rounds, $"{Connections} connections", 1e-3);
        yield return new Result("rollback: longest request, redis, 1 M keys", Sample.Of(rounds.Select(r => r.Rollback.Longest)), Unit.Milliseconds,
            Note: "after a promotion: the old version leads again, the new one ends");
    }

    /// <summary>Warm, as the session's window begins.</summary>
    private static double LongestOf(Paths paths, Server native, double seconds)
    {
        using var load = new CheckingLoad(paths, "redis", native.Port, Connections);
        load.AwaitProgress(1);
        load.NextPhase();
        Thread.Sleep(TimeSpan.FromSeconds(seconds)); // the length of what is measured
        return load.End()[1].Longest;
    }

    private static Result Promotion(IReadOnlyList<UpdateRound> rounds, string clients, double goal)
    {
        double[] usual = [.. rounds.Select(r => r.Usual.Longest)], longest = [.. rounds.Select(r => r.Promotion.Longest)];
        return new Result($"promotion: longest request beyond the usual, {clients}", Sample.OfDifferences(longest, usual), Unit.Milliseconds, goal, Note: Text(
            $"redis; {Sample.Of(longest).Median * 1e3:0.0} ms, before the promotion {Sample.Of(usual).Median * 1e3:0.0} ms; {rounds.Sum(r => r.Errors)} clients noticed"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
