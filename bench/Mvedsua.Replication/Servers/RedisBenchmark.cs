using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>redis-benchmark: closed-loop clients, no pipelining.</summary>
internal static class RedisBenchmark
{
    /// <summary>Runs one kind of request to its end; requests per second as redis-benchmark counts them.</summary>
    internal static double Run(int port, string test, int clients, int requests) => ParseRate(
        Programs.Run("redis-benchmark", ["-h", "127.0.0.1", "-p", $"{port}", "-c", $"{clients}", "-n", $"{requests}", "-t", test, "--csv"]));

    /// <summary>Of the last line: "GET","84033.61","0.320",…</summary>
    internal static double ParseRate(string csv)
    {
        var last = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
        var fields = last.Split(',');
        return fields.Length >= 2 && double.TryParse(fields[1].Trim('"'), NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) && rate > 0
            ? rate
            : throw new BenchException($"redis-benchmark's last line is '{last}'");
    }
}
