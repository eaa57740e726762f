using System.Globalization;
using System.Text.RegularExpressions;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Publishing one record (tests/native/log/bench.c, the shim's own log code), by payload.</summary>
internal static partial class PublishRow
{
    private static readonly (int Payload, string Name, double Goal, string Floor)[] _sizes =
        [(0, "no payload", 10e-9, "1.4"), (1024, "1 KiB", 25e-9, "12"), (16384, "16 KiB", 250e-9, "163")];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        var runs = paths.Log.Repeat("publishing", effort.MicroRounds, () => Parse(Programs.Run(paths.LogBench, [])));
        foreach (var (payload, name, goal, floor) in _sizes)
        {
            var copies = Sample.Of(runs.Select(r => r[("copy", payload)].Median));
            var published = runs.Select(r => r[("publish", payload)]).ToList();
            var value = new Sample(Sample.Of(published.Select(p => p.Median)).Median, published.Min(p => p.Min), published.Max(p => p.Max), published.Sum(p => p.Count))
                { Values = [.. published.Select(p => p.Median)] };
            yield return new Result($"publishing a record: {name}", value, Unit.Nanoseconds, goal, Floor: floor,
                Note: payload == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"the copy alone {copies.Median * 1e9:0.0} ns"));
        }
    }

    /// <summary>Lines "publish payload=1024 ns=30.1 min=29.0 max=35.2", in seconds.</summary>
    internal static Dictionary<(string What, int Payload), Sample> Parse(string output)
    {
        var found = new Dictionary<(string, int), Sample>();
        foreach (Match line in Line().Matches(output))
        {
            double Seconds(int group) => double.Parse(line.Groups[group].ValueSpan, CultureInfo.InvariantCulture) / 1e9;
            found[(line.Groups[1].Value, int.Parse(line.Groups[2].ValueSpan, CultureInfo.InvariantCulture))] = new Sample(Seconds(3), Seconds(4), Seconds(5), 11);
        }

        return found.Count > 0 ? found : throw new BenchException($"log-bench printed '{output.Trim()}'");
    }

    [GeneratedRegex(@"^(\w+) payload=(\d+) ns=([\d.]+) min=([\d.]+) max=([\d.]+)", RegexOptions.Multiline)]
    private static partial Regex Line();
}
