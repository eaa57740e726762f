using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>lighttpd and nginx under loads that others use, beside our own that checks every answer: a server's figure is its load's, too.</summary>
internal static class HttpRows
{
    private const int Clients = 50;
    private const double Seconds = 2;

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        foreach (var recipe in new[] { Recipe.Lighttpd, Recipe.Nginx })
        {
            using var rounds = new Rounds(paths, recipe);
            foreach (var result in Throughput(recipe.Name, "wrk", rounds.Measure((port, _) => HttpLoads.Wrk(port, Clients, Seconds), effort, $"{recipe.Name} under wrk"))) yield return result;
            var ab = rounds.Measure((port, requests) => HttpLoads.Ab(port, Clients, requests), effort, $"{recipe.Name} under ab");
            foreach (var result in Throughput(recipe.Name, "ab", ab)) yield return result;
            yield return new Result($"{recipe.Name} under ab: leader's CPU a request", ab.Cpu(Mode.Follower, r => r.Server), Unit.Ratio);
        }
    }

    private static IEnumerable<Result> Throughput(string server, string load, Ratios ratios)
    {
        foreach (var (mode, how) in new[] { (Mode.Solo, "solo"), (Mode.Follower, "with one follower") })
        {
            yield return new Result($"{server} under {load}: throughput {how}", Sample.OfRatios(ratios.Rates(mode), ratios.Rates(Mode.Native)), Unit.Percent,
                Note: string.Create(CultureInfo.InvariantCulture, $"native {ratios.Thousands(Mode.Native):0.0} k/s{ratios.Behind(mode)}"));
        }
    }
}
