using System.Globalization;
using System.Text;

namespace Mvedsua.OpenLoad;

/// <summary>An <see cref="Outcome"/> for people.</summary>
internal static class Report
{
    private const int MostFaults = 5;

    internal static string Format(Outcome outcome)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        var options = outcome.Options;
        var interval = options.PoissonSeed is { } seed ? $"at random moments (Poisson, seed {seed})" : "at a constant interval";
        Line($"{options.Protocol} on port {options.Port}: {options.Rate:#,0.##} requests/s for {options.Seconds:0.##} s over {options.Connections} connections, {interval}");
        Line($"{"",-14}{"p50",11}{"p90",11}{"p99",11}{"p99.9",11}{"p99.99",11}{"max",11}");
        Line($"{"latency",-14}{Row(outcome.Latency)}   from the moment at which a request was due");
        Line($"{"service time",-14}{Row(outcome.ServiceTime)}   from when it was sent");
        Line($"sent {outcome.Sent:#,0} of {outcome.Scheduled:#,0} requests, {outcome.SentRate:#,0}/s; {outcome.Answered:#,0} right answers, {outcome.AnsweredRate:#,0}/s");
        Line($"wrong answers: {outcome.WrongAnswers:#,0}; unanswered: {outcome.Unanswered:#,0}; not taken by the server: {outcome.Untaken:#,0}");
        Line($"late by more than 1 ms: {outcome.Late:#,0} (by the generator itself; at most {Time(outcome.LongestLate)}; {outcome.Skipped:#,0} not sent at all)");
        Line($"generator's CPU a request: {Time(outcome.CpuPerRequest)}");
        foreach (var fault in outcome.Faults.Take(MostFaults)) Line($"{fault}");
        if (outcome.Faults.Count > MostFaults) Line($"… and {outcome.Faults.Count - MostFaults} more connections");
        if (outcome.IsTooSlow) Line($"the generator could not keep the rate: these are not the server's figures. Ask for a lower --rate, or a processor of its own (taskset).");
        return text.ToString();
    }

    private static string Row(Percentiles p) =>
        string.Concat(new[] { p.P50, p.P90, p.P99, p.P999, p.P9999, p.Max }.Select(t => (t == 0 ? "–" : Time(t)).PadLeft(11)));

    private static string Time(double seconds) => seconds < 1e-3
        ? string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e6:0.0} µs")
        : string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:#,0.00} ms");
}
