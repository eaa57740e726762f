using System.Diagnostics;
using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>Processor time that went to others than this bench and what it started until a moment; both in seconds, of any beginning.</summary>
internal readonly record struct Foreign(double Used, double Moment);

/// <summary>How much processor time went to others than this bench and what it started, in cores: a run with much of
/// it says little.</summary>
internal static class Disturbance
{
    /// <summary>Cores. More than this, and a measurement is marked.</summary>
    internal const double Tolerated = 0.05;

    private const double TicksPerSecond = 100; // USER_HZ, fixed on x86-64

    /// <summary>Seconds. A round in which others used less is not marked: /proc/stat counts what the timer's ticks find on a processor, and of a second with two
    /// half-busy processors and 250 ticks the standard error is 0.045 s.</summary>
    private const double Told = 0.15;

    /// <summary>Mean number of cores that others used between two moments.</summary>
    internal static double Cores(Foreign begin, Foreign end) => Math.Max(0, (end.Used - begin.Used) / (end.Moment - begin.Moment));

    /// <summary>Whether others used so much that a short measurement is marked.</summary>
    internal static bool IsNoticeable(Foreign begin, Foreign end) => end.Used - begin.Used >= Told && Cores(begin, end) > Tolerated;

    internal static Foreign Now() => new(
        (ParseBusy(File.ReadAllText("/proc/stat")) - ProcessTree.Under(Environment.ProcessId).Sum(p => p.Ticks)) / TicksPerSecond,
        Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency);

    /// <summary>Ticks in which a processor was neither idle nor waiting; stolen ones count as others'.</summary>
    internal static long ParseBusy(string stat)
    {
        var line = stat.Split('\n')[0];
        if (!line.StartsWith("cpu ", StringComparison.Ordinal)) throw new FormatException("not /proc/stat");
        // user nice system idle iowait irq softirq steal
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9].Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        return fields.Sum() - fields[3] - fields[4];
    }
}
