using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication.Results;

/// <summary>Two runs, row by row.</summary>
internal static class Comparison
{
    internal const string Changed = "changed", Same = "same within the spread", TooFew = "too few values";

    /// <summary>A table of the rows that both have, then those that only one has.</summary>
    internal static string Of(RunFile first, RunFile second)
    {
        var (a, b) = (Rows(first), Rows(second));
        List<string[]> table = [["experiment", "what", "A", "B", "B : A [95 %]", ""]];
        table.AddRange(a.Where(r => b.ContainsKey(r.Key)).Select(r => Row(r.Key.Experiment, r.Value, b[r.Key])));
        IEnumerable<string> lines =
        [
            table.Count > 1 ? Table.Markdown(table) : "No row is in both.",
            .. Only("A", a, b), .. Only("B", b, a), .. Machines(first.Machine, second.Machine), .. Servers(first, second),
            .. first.Effort == second.Effort ? Array.Empty<string>() : [$"the efforts differ: A {first.Effort}; B {second.Effort}"],
        ];
        return string.Join('\n', lines);
    }

    internal static string Verdict(Sample first, Sample second) =>
        Bootstrap.OfTwo(first, second) is not { } bounds ? TooFew : bounds.Difference.Contains(0) ? Same : Changed;

    private static Dictionary<(string Experiment, string What), Result> Rows(RunFile run) =>
        run.Outcomes.SelectMany(o => o.Results.Select(r => (Key: (o.Name, r.What), Result: r))).DistinctBy(r => r.Key).ToDictionary(r => r.Key, r => r.Result);

    private static string[] Row(string experiment, Result a, Result b)
    {
        // Of differences, which may be zero or less, there is no ratio.
        var ratio = Bootstrap.OfTwo(a.Value, b.Value)?.Ratio is { } bounds
            ? string.Create(CultureInfo.InvariantCulture, $"{b.Value.Median / a.Value.Median:0.000} [{bounds.Low:0.000}–{bounds.High:0.000}]")
            : "–";
        return [experiment, a.What + Rates(a, b), a.Format(a.Value.Median), b.Format(b.Value.Median), ratio, Verdict(a.Value, b.Value)];
    }

    /// <summary>Of other rates other times are to be expected: no reader may miss it.</summary>
    private static string Rates(Result a, Result b) => a.Rate == b.Rate ? "" : $" (A at {a.RateText}, B at {b.RateText})";

    private static IEnumerable<string> Only(string name, Dictionary<(string Experiment, string What), Result> has, Dictionary<(string Experiment, string What), Result> other) =>
        has.Keys.Where(k => !other.ContainsKey(k)).Select(k => $"only in {name}: {k.Experiment}: {k.What}");

    private static IEnumerable<string> Machines(Machine a, Machine b)
    {
        if (a.Processor != b.Processor || a.Cores != b.Cores || a.Kernel != b.Kernel || a.Pinned != b.Pinned)
            yield return $"the machines differ: A {a.Processor}, {a.Cores} cores, Linux {a.Kernel}, pinned {a.Pinned ?? "no"}; B {b.Processor}, {b.Cores} cores, Linux {b.Kernel}, pinned {b.Pinned ?? "no"}";
        foreach (var (program, version) in a.Versions)
        {
            if (b.Versions.GetValueOrDefault(program) is { } other && other != version) yield return $"the servers differ: {program} {version} in A, {other} in B";
        }
    }

    /// <summary>By experiment, to the revision; nothing where a file doesn't tell.</summary>
    private static IEnumerable<string> Servers(RunFile first, RunFile second) =>
        from a in first.Outcomes
        join b in second.Outcomes on a.Name equals b.Name
        where a.Servers is { Count: > 0 } && b.Servers is { Count: > 0 } && !a.Servers.ToHashSet().SetEquals(b.Servers)
        select $"the servers of {a.Name} differ: A {string.Join(", ", a.Servers!)}; B {string.Join(", ", b.Servers!)}";
}
