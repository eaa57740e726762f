using System.Text.Json;
using System.Text.Json.Serialization;
using HdrHistogram;

namespace Mvedsua.OpenLoad;

/// <summary>What a load has come to. The requests of the warm-up are not counted; times in seconds.</summary>
/// <param name="Options">What was asked for.</param>
/// <param name="Scheduled">Requests that were due.</param>
/// <param name="Sent">Of them.</param>
/// <param name="Answered">Of these, and every answer was right.</param>
/// <param name="Unanswered">Sent, and not answered within the time-out or until the connection was closed.</param>
/// <param name="Untaken">Not sent, because of the server: it had closed the connection, or taken nothing from it for too long.</param>
/// <param name="Skipped">Not sent, because of the generator: it had no time left.</param>
/// <param name="WrongAnswers">Each ends its connection.</param>
/// <param name="Late">Requests that the generator itself sent, or skipped, more than a millisecond late.</param>
/// <param name="LongestLate">How late it was at most.</param>
/// <param name="SentRate">Requests per second.</param>
/// <param name="AnsweredRate">Answers per second.</param>
/// <param name="CpuPerRequest">The generator's own processor time, user and system, by the requests sent.</param>
/// <param name="Latency">From the moment at which a request was due.</param>
/// <param name="ServiceTime">From when it was sent: what hides the generator's and the server's pauses.</param>
/// <param name="Faults">Why connections were closed before the end.</param>
internal sealed record Outcome(
    LoadOptions Options, long Scheduled, long Sent, long Answered, long Unanswered, long Untaken, long Skipped, int WrongAnswers, long Late, double LongestLate,
    double SentRate, double AnsweredRate, double CpuPerRequest, Percentiles Latency, Percentiles ServiceTime, IReadOnlyList<string> Faults)
{
    /// <summary>The largest share of late requests with which the figures still stand.</summary>
    private const double TolerableLate = 0.01;

    /// <summary>Of <see cref="Latency"/>, in ns; null in what was read from JSON.</summary>
    [JsonIgnore]
    internal HistogramBase? Histogram { get; private init; }

    [JsonIgnore]
    internal bool IsTooSlow => Late > TolerableLate * Scheduled;

    /// <summary>A wrong answer is one however slow the generator was; that a server kept up with a load can't be told if the load wasn't made.</summary>
    [JsonIgnore]
    internal ExitStatus Status =>
        Faults.Count > 0 ? ExitStatus.Failed
        : IsTooSlow ? ExitStatus.TooSlow
        : Answered < Scheduled ? ExitStatus.Failed
        : ExitStatus.Ok;

    internal static Outcome Create(LoadOptions options, Recorder recorder, long begin, double processor, int wrong, IReadOnlyList<string> faults)
    {
        double Rate(long count, long last) => count / Math.Max(options.Seconds, (last - begin) / 1e9);
        return new Outcome(
            options, recorder.Scheduled, recorder.Sent, recorder.Answered, recorder.Unanswered, recorder.Untaken, recorder.Skipped, wrong, recorder.Late, recorder.LongestLate / 1e9,
            Rate(recorder.Sent, recorder.LastSent), Rate(recorder.Answered, recorder.LastAnswer), recorder.Sent == 0 ? 0 : processor / recorder.Sent,
            Percentiles.Of(recorder.Latency), Percentiles.Of(recorder.Service), faults)
        { Histogram = recorder.Latency };
    }

    internal string ToJson() => JsonSerializer.Serialize(this, OutcomeJson.Default.Outcome);

    internal static Outcome FromJson(string json) => JsonSerializer.Deserialize(json, OutcomeJson.Default.Outcome) ?? throw new FormatException($"not an outcome: '{json}'");
}

/// <summary>In seconds; 0: of nothing.</summary>
internal sealed record Percentiles(double P50, double P90, double P99, double P999, double P9999, double Max)
{
    /// <param name="histogram">In ns.</param>
    internal static Percentiles Of(HistogramBase histogram)
    {
        double At(double percent) => histogram.TotalCount == 0 ? 0 : histogram.GetValueAtPercentile(percent) / 1e9;
        return new Percentiles(At(50), At(90), At(99), At(99.9), At(99.99), At(100));
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Outcome))]
internal sealed partial class OutcomeJson : JsonSerializerContext;
