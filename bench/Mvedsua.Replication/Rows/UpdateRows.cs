using Mvedsua.Replication.Figures;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>Updates of living servers: of Redis, between two of Debian's versions, and of the sample server.</summary>
internal static class UpdateRows
{
    private const string OldRedis = "7.0.15-1~deb12u7", NewRedis = "7.0.15-1~deb12u10";
    private static DebianSource? _redis;

    /// <summary>Builds what is built once, for two experiments. Says why they must be left out; null: they need not.</summary>
    internal static string? Prepare(Paths paths)
    {
        _redis ??= DebianSource.Build(paths, "redis", OldRedis, NewRedis);
        return _redis.Old is null ? _redis.Missing : null;
    }

    /// <summary>As an operator asks for it: with the rules that let INFO and its kin differ.</summary>
    private static NewVersion ToNew(string program) => new(program, Path.Combine(Paths.Rules("redis/7.0.15-u7-u10"), "update.description"), Paths.Rules("redis"));

    internal static IEnumerable<Result> MeasureRedis(Paths paths, Effort effort) => _redis is { Old: { } old, New: { } @new }
        ? RedisUpdateRow.Measure(paths, effort, old, ToNew(@new))
        : [];

    /// <summary>By heap and by the log's limit.</summary>
    internal static IEnumerable<Result> MeasureHeaps(Paths paths, Effort effort) => _redis is { Old: { } old, New: { } @new }
        ? HeapRows.Measure(paths, effort, old, ToNew(@new))
        : [];

    /// <summary>What clients see over time.</summary>
    internal static IEnumerable<Result> MeasureTimeline(Paths paths, Effort effort) => _redis is { Old: { } old, New: { } @new }
        ? Timeline.Measure(paths, effort.TimelineSeconds, old, ToNew(@new))
        : [];

    /// <summary>Where types change; what a difference and a rule cost.</summary>
    internal static IEnumerable<Result> MeasureKv(Paths paths, Effort effort)
    {
        yield return ConversionRow.Measure(paths, effort);
        foreach (var result in WrongByteRow.Measure(paths, effort)) yield return result;
        yield return RuleRow.Measure(paths, effort);
    }
}
