using System.Globalization;
using Mvedsua.OpenLoad;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What clients wait for at a rate that the server keeps with ease, by the open-loop load: from the moment at which each request
/// was due, so that a pause counts for all who would have come meanwhile.</summary>
internal static class LatencyRows
{
    private const int Clients = 50;

    /// <summary>Of what the closed loop reaches natively.</summary>
    private const double Share = 0.3;

    private const double WarmUp = 0.2;

    private static readonly (Recipe Recipe, string Protocol)[] _servers =
        [(Recipe.Redis(), "resp"), (Recipe.Memcached(4), "memcached"), (Recipe.Lighttpd, "http"), (Recipe.Beanstalkd, "beanstalkd")];

    private static readonly (string Name, Func<Percentiles, double> Of)[] _percentiles = [("p50", p => p.P50), ("p99", p => p.P99), ("p99.9", p => p.P999)];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        foreach (var (recipe, protocol) in _servers)
        {
            using var rounds = new Rounds(paths, recipe);
            var closed = rounds.Checked(Clients)(rounds.Native.Port, effort.Requests);
            var rate = RateOf(closed);
            var found = rounds.Interleave(recipe.Name, effort.Rounds, server =>
            {
                var outcome = OpenLoop.Run(new LoadOptions(protocol, server.Port, rate, effort.Requests / 4 / rate) { Connections = Clients, WarmUp = WarmUp });
                if (server.Mode == Mode.Follower) Rounds.AwaitInStep(server);
                return outcome;
            });
            foreach (var result in Results(recipe.Name, closed, rate, found.ToDictionary(f => f.Arm.Mode, f => f.Rounds))) yield return result;
        }
    }

    /// <summary>With two digits: the next run is to have the same, if the machine is the same.</summary>
    internal static double RateOf(double closed)
    {
        var digit = Math.Pow(10, Math.Floor(Math.Log10(closed * Share)) - 1);
        return Math.Round(closed * Share / digit) * digit;
    }

    internal static IEnumerable<Result> Results(string server, double closed, double rate, IReadOnlyDictionary<Mode, List<Outcome>> rounds)
    {
        foreach (var (mode, how) in new[] { (Mode.Solo, "solo"), (Mode.Follower, "with a follower") })
        {
            foreach (var (name, of) in _percentiles)
            {
                double[] Times(Mode m) => [.. rounds[m].Select(o => of(o.Latency))];
                yield return new Result(
                    $"{server}: {name}, {how}, beyond native's",
                    Sample.OfDifferences(Times(mode), Times(Mode.Native)), Unit.Microseconds,
                    Note: string.Create(CultureInfo.InvariantCulture, $"native {Sample.Of(Times(Mode.Native)).Median * 1e6:0} µs; {rate / closed * 100:0} % of {closed / 1e3:0.#} k/s, a closed loop's{Late(rounds, mode)}")) { Rate = rate };
            }
        }
    }

    private static string Late(IReadOnlyDictionary<Mode, List<Outcome>> rounds, Mode mode)
    {
        var late = rounds[mode].Zip(rounds[Mode.Native]).Count(r => r.First.IsTooSlow || r.Second.IsTooSlow);
        return late == 0 ? "" : $"; the generator itself was late in {late} of {rounds[mode].Count} rounds";
    }
}
