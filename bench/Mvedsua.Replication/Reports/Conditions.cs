using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;

namespace Mvedsua.Replication.Reports;

/// <summary>What a reader must know before the numbers: plain lines.</summary>
internal static class Conditions
{
    internal static IEnumerable<string> Of(RunFile run) =>
    [
        run.Begun.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
        .. run.Machine.Describe(),
        string.Create(CultureInfo.InvariantCulture, $"medians of {run.Effort.Rounds} interleaved rounds of {run.Effort.Requests:N0} requests [smallest–largest], {Bootstrap.Confidence * 100:0} % bootstrap interval of the median (from {Bootstrap.Fewest} values on)"),
        .. run.Effort.Repeat is { } times ? NotRepeated(run.Asked, times) : [],
    ];

    private static IEnumerable<string> NotRepeated(IEnumerable<string> asked, int times) =>
        from name in asked
        let why = Experiments.All.FirstOrDefault(e => e.Name == name)?.Once
        where why is not null
        select $"--repeat {times} does not reach {name}: {why}";

    /// <summary>What was measured, and what went wrong, or on, meanwhile.</summary>
    internal static IEnumerable<string> Of(Outcome outcome)
    {
        if (outcome.LeftOut is { } why) yield return $"left out: {why}";
        if (outcome.Failure is { } failure) yield return $"could not be measured to its end: {failure}";
        if (outcome.Servers is { Count: > 0 } servers) yield return $"versions measured: {string.Join(", ", servers)}";
        if (outcome.DisturbedCores > Disturbance.Tolerated)
            yield return string.Create(CultureInfo.InvariantCulture, $"disturbed: other processes used {outcome.DisturbedCores:0.0} cores meanwhile");
        var disturbed = string.Join("; ", (outcome.Rounds ?? []).Where(s => s.Disturbed.Count > 0).Select(Of));
        if (disturbed.Length > 0) yield return $"rounds in which other processes used processors noticeably: {disturbed}";
    }

    private static string Of(Series series) => string.Create(CultureInfo.InvariantCulture,
        $"{series.What} {string.Join(", ", series.Disturbed.Select(d => d.Number))} of {series.Rounds} (at most {series.Disturbed.Max(d => d.Cores):0.0} cores)");

    /// <summary>What the report lacks, though it was asked for.</summary>
    internal static string? Missing(RunFile run) =>
        run.Missing.ToList() is { Count: > 0 } missing ? $"Not measured, the run ended before: {string.Join(", ", missing)}." : null;
}
