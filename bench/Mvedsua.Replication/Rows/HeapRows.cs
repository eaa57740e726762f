using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Updates of Redis by the size of its heap and by the limit of the event log: Mvedsua's figures of both. Its updates traverse the heap; these
/// copy it. Its leader waits where the ring is full; here the new version is ended by name, and the leader goes on.</summary>
internal static class HeapRows
{
    private const int Connections = 50, KeysForLimits = 1_000_000, Most = 3;
    private static readonly int[] _keys = [0, 250_000, 1_000_000, 4_000_000];

    /// <summary>The first can't hold what comes while the new version is made.</summary>
    private static readonly string[] _limits = ["4MiB", "64MiB", "1GiB"];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort, string program, NewVersion version)
    {
        var recipe = Recipe.RedisOf(program, "--enable-debug-command", "local");
        var updates = effort.AtMost(Most, effort.Updates);
        foreach (var keys in _keys)
        {
            using var session = Filled(paths, recipe, keys, null);
            var touched = Memory.Touched(session.Pid);
            var size = string.Create(CultureInfo.InvariantCulture, $"{keys / 1e6:0.##} M keys");
            var rounds = paths.Log.Repeat($"update, {size}", updates, () => UpdateRound.Measure(paths, session, version, Connections));
            yield return new Result($"longest request at the update, {size}", Sample.Of(rounds.Select(r => r.Longest)), Unit.Milliseconds,
                Published: keys == 1_000_000 ? "117 ms with a ring of 2^24 entries" : "–",
                Note: Text($"{touched / (1 << 20):0} MiB of touched heap; the longest afterwards, with the new version following, {Sample.Of(rounds.Select(r => r.Usual.Longest)).Median * 1e3:0.0} ms")) { Noticed = rounds.Sum(r => r.Errors) };
            yield return new Result($"update ready, {size}", Sample.Of(rounds.Select(r => r.Reply.Ready)), Unit.Milliseconds,
                Published: keys == 1_000_000 ? "6200 ms" : "–", Note: Text($"of which the leader stood still for {Sample.Of(rounds.Select(r => r.Reply.Stop)).Median * 1e3:0.0} ms"));
        }

        foreach (var limit in _limits)
        {
            using var session = Filled(paths, recipe, KeysForLimits, limit);
            var tries = paths.Log.Repeat($"update, logs of at most {limit}", updates, () => Try(paths, session, version));
            var failures = tries.Where(t => t.Refusal is not null).ToList();
            yield return new Result($"longest request at the update, 1 M keys, logs of at most {limit}", Sample.Of(tries.Select(t => t.Longest)), Unit.Milliseconds,
                Published: limit == "1GiB" ? "117 ms, ring of 2^24 entries (512 MB)" : limit == "4MiB" ? "7130 ms, ring of 2^10 entries (some 32 KB)" : "5330 ms, ring of 2^20 entries (some 32 MB)",
                Note: failures.Count == 0 ? "" : $"{failures.Count} of {tries.Count} new versions were ended: {failures[0].Refusal}") { Noticed = tries.Sum(t => t.Errors) };
        }
    }

    private static Server Filled(Paths paths, Recipe recipe, int keys, string? limit)
    {
        var server = new Server(paths, Mode.Session, recipe, logLimit: limit);
        if (keys > 0) Programs.Run("redis-cli", ["-p", $"{server.Port}", "debug", "populate", $"{keys}"]);
        return server;
    }

    /// <summary>One update, taken back; or what the command said of its failure. Clients are served all the while.</summary>
    private static (double Longest, long Errors, string? Refusal) Try(Paths paths, Server session, NewVersion version)
    {
        using var load = new CheckingLoad(paths, "redis", session.Port, Connections);
        load.AwaitProgress(1);
        load.NextPhase();
        string? refusal = null;
        try
        {
            session.Update(version);
        }
        catch (BenchException e)
        {
            refusal = e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "no reason was given";
        }

        load.AwaitProgress(1);
        load.NextPhase();
        if (refusal is null) session.Rollback();
        load.AwaitProgress(1);
        var phases = load.End();
        return (phases[1].Longest, phases.Sum(p => p.Errors), refusal);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
