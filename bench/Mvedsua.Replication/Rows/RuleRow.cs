using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What rules that hit on every request cost the follower: 1.0 leads 1.1, whose calls are others, and another 1.0 leads a rebuilt 1.0.</summary>
internal static class RuleRow
{
    private const int Connections = 50;

    internal static Result Measure(Paths paths, Effort effort)
    {
        var recipe = Recipe.Kv(paths.Kv("1.0"));
        var folder = Paths.Rules("kv/1.0-1.1");
        var description = Path.Combine(folder, "update.description");
        using var ruled = new Server(paths, Mode.Session, recipe);
        using var plain = new Server(paths, Mode.Session, recipe);
        ruled.Update(new NewVersion(paths.Kv("1.1"), description, folder));
        plain.Update(new NewVersion(paths.Kv("1.0-rebuilt"), description));
        (double With, double Without) Pair() => (FollowersCpu(paths, ruled, effort.Requests), FollowersCpu(paths, plain, effort.Requests));
        Pair(); // warms up
        var rounds = paths.Log.Repeat("rules that hit on each request", effort.Rounds, Pair);
        double[] with = [.. rounds.Select(r => r.With)], without = [.. rounds.Select(r => r.Without)];
        return new Result("follower's CPU a request, with rules that hit on each", Sample.OfRatios(with, without), Unit.Ratio, 1.05, Note: string.Create(
            CultureInfo.InvariantCulture, $"kv 1.1 after 1.0, against 1.0 rebuilt, without rules: {Sample.Of(without).Median * 1e6:0.00} µs; 1.1 also makes one call more a request"));
    }

    /// <summary>Seconds a request, of what it still has to replay too.</summary>
    internal static double FollowersCpu(Paths paths, Server session, int requests)
    {
        var follower = session.Roles().Follower!.Value;
        var before = CpuTime.OfProcess(follower);
        var answers = CheckingLoad.Run(paths, "kv", session.Port, Connections, requests).Answers;
        Rounds.AwaitInStep(session);
        return (CpuTime.OfProcess(follower) - before) / answers;
    }
}
