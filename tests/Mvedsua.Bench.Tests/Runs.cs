using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Bench.Tests;

/// <summary>Small runs to test with.</summary>
internal static class Runs
{
    internal static RunFile Of(params Outcome[] outcomes) => new(RunFile.CurrentFormat, new DateTimeOffset(2026, 11, 27, 10, 0, 0, TimeSpan.Zero), Effort.Quick,
        new Machine("A processor", 2, null, null, 8L << 30, "6.1.0", 0.5, "abc123", new Dictionary<string, string> { ["redis-server"] = "7.0.15" }),
        [.. outcomes.Select(o => o.Name)], outcomes);

    internal static Outcome Outcome(string experiment, Sample value) =>
        new(experiment, 12.5, 0, [new Result("the row", value, Unit.Ratio, 2, Published: "1.5 somewhere", Note: "a | b <c>") { Bar = new Bar("f", "g", "s") }]);
}

/// <summary>A folder for one test.</summary>
internal sealed class Folder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("mvedsua-bench-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
