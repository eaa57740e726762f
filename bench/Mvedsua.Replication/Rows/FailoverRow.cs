using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>The leader is killed under a load that checks every answer: the longest request. Redis also with 250 MB of data.</summary>
internal static class FailoverRow
{
    private const int Connections = 8;

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        foreach (var (megabytes, goal) in new[] { (250, 10e-3), (8, 1e-3) })
        {
            // 1 KiB values; key and overhead come on top.
            void Fill(int port) =>
                Programs.Run("redis-cli", ["-p", $"{port}", "debug", "populate", $"{megabytes * 900}", "filled", "1024"]);
            yield return Row(paths, effort, $"redis, {megabytes} MB", Recipe.Redis("--enable-debug-command", "local"), Fill, goal,
                "Varan 0.1 ms (SIGSEGV)");
        }

        foreach (var (recipe, _, _) in ServerRows.Servers)
        {
            yield return Row(paths, effort, recipe.Name, recipe, _ => { }, 1e-3, recipe == Recipe.Lighttpd ? "Varan 5 ms" : "–");
        }
    }

    private static Result Row(Paths paths, Effort effort, string name, Recipe recipe, Action<int> fill, double goal, string published)
    {
        var kills = paths.Log.Repeat($"failover, {name}", effort.Kills, () => Kill(paths, recipe, fill));
        double[] longest = [.. kills.Select(k => k.Phases[2].Longest)], quiet = [.. kills.Select(k => k.Phases[1].Longest)];
        double[] behind = [.. kills.Select(k => (double)k.Behind)], takeover = [.. kills.Select(k => k.TakenOver.TotalSeconds)];
        var errors = kills.Sum(k => k.Phases.Sum(p => p.Errors));
        return new Result($"failover: longest request, {name} killed", Sample.Of(longest), Unit.Milliseconds, goal, Floor: "0.2 ms to notice",
            Published: published, Note: string.Create(CultureInfo.InvariantCulture,
                $"{Connections} connections; the longest before the kill {Sample.Of(quiet).Median * 1e3:0.0} ms; the takeover itself {Sample.Of(takeover).Median * 1e3:0.00} ms; {Sample.Of(behind).Median:0} (at most {behind.Max():0}) events behind just before; {errors} clients noticed in {kills.Count} kills")) { Noticed = errors };
    }

    /// <summary>Phases of the load: warming up, without a kill, with the kill at its beginning. And the events that the
    /// follower had yet to replay a moment before: it finishes them first, which is part of the takeover.</summary>
    private static (IReadOnlyList<Phase> Phases, long Behind, TimeSpan TakenOver) Kill(Paths paths, Recipe recipe, Action<int> fill)
    {
        using var server = new Server(paths, Mode.Follower, recipe);
        fill(server.Port);
        using var load = new CheckingLoad(paths, recipe.Protocol, server.Port, Connections);
        load.AwaitProgress(1);
        load.NextPhase();
        load.AwaitProgress(2);
        var status = server.Status();
        if (status.Follower is null) throw new BenchException($"the follower is gone before the kill:\n{server.Report()}");
        load.NextPhase();
        Signals.Send(status.Leader, Signals.Kill);
        load.AwaitProgress(2);
        return (load.End(), status.LagEvents, server.TakenOver);
    }
}
