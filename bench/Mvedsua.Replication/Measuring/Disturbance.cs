using System.Diagnostics;
using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>How much processor time went to others than this bench and what it started, in cores: a run with much of
/// it says little.</summary>
internal sealed class Disturbance
{
    /// <summary>Cores. More than this, and a measurement is marked.</summary>
    internal const double Tolerated = 0.05;

    private const double TicksPerSecond = 100; // USER_HZ, fixed on x86-64

    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly long _foreign = Foreign();

    /// <summary>Mean number of cores that others used since this object was made.</summary>
    internal double Cores => Math.Max(0, (Foreign() - _foreign) / TicksPerSecond / Stopwatch.GetElapsedTime(_begin).TotalSeconds);

    /// <summary>Ticks in which a processor was neither idle nor waiting; stolen ones count as others'.</summary>
    internal static long ParseBusy(string stat)
    {
        var line = stat.Split('\n')[0];
        if (!line.StartsWith("cpu ", StringComparison.Ordinal)) throw new FormatException("not /proc/stat");
        // user nice system idle iowait irq softirq steal
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9].Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        return fields.Sum() - fields[3] - fields[4];
    }

    private static long Foreign() =>
        ParseBusy(File.ReadAllText("/proc/stat")) - ProcessTree.Under(Environment.ProcessId).Sum(p => p.Ticks);
}
