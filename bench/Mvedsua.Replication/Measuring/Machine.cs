using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>What the numbers were measured on.</summary>
internal static class Machine
{
    internal static string Describe()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        var release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return $"{model ?? "unknown processor"}, {Environment.ProcessorCount} cores, Linux {release}, load average {LoadAverage():0.00} at the start, "
            + DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
    }

    private static double LoadAverage() =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
}
