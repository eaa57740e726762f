using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Servers natively, solo and with 1, 2 and 3 followers under a load that checks every answer: Varan's figure.</summary>
internal static class FollowersRows
{
    private const int Clients = 50, Most = 3, FewestRequests = 15_000;

    /// <summary>With Varan's slowdown factors for 0 and 1 follower, and the goals for the throughput then.</summary>
    private static readonly (Recipe Recipe, double Alone, double One, (double? Alone, double? One) Goals)[] _servers =
    [
        (Recipe.Redis(), 1.01, 1.39, (0.99, 0.75)), (Recipe.Beanstalkd, 1.03, 1.09, default), (Recipe.Lighttpd, 1.00, 1.06, default),
        (Recipe.Memcached(4), 1.00, 1.13, default), (Recipe.Nginx, 1.01, 1.38, default),
    ];

    /// <summary>A server that fails leaves the others' rows: the failure is told at the end.</summary>
    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        List<string> failures = [];
        foreach (var (recipe, alone, one, goals) in _servers)
        {
            Interruption.ThrowIfRequested();
            var (ratios, failure) = Try(paths, effort, recipe);
            if (failure is not null) failures.Add(failure);
            foreach (var result in ratios is null ? [] : Results(recipe.Name, alone, one, goals, ratios)) yield return result;
        }

        if (failures.Count > 0) throw new BenchException(string.Join("; ", failures));
    }

    private static (Ratios? Ratios, string? Failure) Try(Paths paths, Effort effort, Recipe recipe)
    {
        try
        {
            using var rounds = new Rounds(paths, Arm.All(recipe, Most));
            // Five arms of five servers: shorter rounds rather than fewer.
            var shorter = effort with { Requests = Math.Max(FewestRequests, effort.Requests / 2) };
            return (rounds.Measure(rounds.Checked(Clients), shorter), null);
        }
        catch (BenchException e)
        {
            return (null, $"{recipe.Name}: {e.Message}");
        }
    }

    private static IEnumerable<Result> Results(string server, double alone, double one, (double? Alone, double? One) goals, Ratios ratios)
    {
        foreach (var (arm, _) in ratios.Rounds.Skip(1))
        {
            (double? varan, var goal) = arm switch { { Mode: Mode.Solo } => (alone, goals.Alone), { Followers: 1 } => (one, goals.One), _ => default((double?, double?)) };
            yield return new Result($"{server}, {arm.Name}: throughput", ratios.ThroughputOf(arm), Unit.Percent, goal, AtLeast: true,
                Published: varan is { } factor ? string.Create(CultureInfo.InvariantCulture, $"{100 / factor:0} % Varan") : "–",
                Note: string.Create(CultureInfo.InvariantCulture, $"{ratios.Thousands(arm):0} k/s, native {ratios.Thousands(Mode.Native):0} k/s{ratios.Behind(arm)}"))
                { Bar = new Bar("throughput, of native's", server, arm.Name) };
            yield return new Result($"{server}, {arm.Name}: server's CPU a request", ratios.Cpu(arm, r => r.Server), Unit.Ratio,
                Note: arm.Followers == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"all followers together {ratios.Cpu(arm, r => r.Follower).Median:0.000} ×"))
                { Bar = new Bar("the server's CPU a request, of native's", server, arm.Name) };
        }
    }
}
