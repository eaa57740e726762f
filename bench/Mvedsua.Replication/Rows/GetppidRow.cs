using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What interception adds to one call: paired differences within one process (bench/native/getppid.c).</summary>
internal static class GetppidRow
{
    private const int Pairs = 401, Calls = 5_000;

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        var (direct, stub) = paths.Log.Repeat("getppid, all pairs", 1,
            () => Parse(Programs.Run(paths.Bench("getppid-bench"), [$"{Pairs * effort.MicroRounds}", $"{Calls}"], ("LD_PRELOAD", paths.Library))))[0];
        yield return new Result("one getppid, solo: added", Quartiles(Differences(stub, direct)), Unit.Nanoseconds, 20e-9, Floor: "+ 20–25",
            Published: "Varan + 3–15 % (time: + 149 %)", Note: $"{direct.Count} pairs of {Calls} calls; the spread is the middle half");
        yield return new Result("one getppid, not intercepted", Quartiles(direct), Unit.Nanoseconds);
    }

    /// <summary>Seconds per call, directly and through the rewritten site.</summary>
    internal static (IReadOnlyList<double> Direct, IReadOnlyList<double> Stub) Parse(string output)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length < 2 || lines[0] != "rewritten=1") throw new BenchException("getppid-bench: the shim did not rewrite the stub");
        var pairs = lines[1..].Select(l => l.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture) / 1e9).ToArray()).ToArray();
        return ([.. pairs.Select(p => p[0])], [.. pairs.Select(p => p[1])]);
    }

    private static double[] Differences(IReadOnlyList<double> stub, IReadOnlyList<double> direct) => [.. stub.Zip(direct, (s, d) => s - d)];

    /// <summary>The extremes of hundreds of short blocks are interrupts: the quartiles say more.</summary>
    private static Sample Quartiles(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return Sample.Of(values) with { Min = sorted[sorted.Length / 4], Max = sorted[sorted.Length * 3 / 4] };
    }
}
