using System.ComponentModel;
using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>One call under other monitors, beside Mvedsua's: by the clock, since a monitor in another process works while the program waits.</summary>
internal static class MonitorsRow
{
    private const int Made = 5_000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);
    private static readonly string[] _calls = ["getppid", "read of 512 bytes"];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        var empty = paths.Bench("libempty.so");
        (string Name, Mode Mode, string[] Before)[] all =
        [
            ("native", Mode.Native, []),
            ("LD_PRELOAD of an empty library", Mode.Native, ["env", $"LD_PRELOAD={empty}"]),
            ("Mvedsua, solo", Mode.Solo, []),
            ("Mvedsua, leader", Mode.Follower, []),
            ("two ptrace stops", Mode.Native, [paths.Bench("ptrace-stops")]),
            ("strace -f -c", Mode.Native, ["strace", "-f", "-c", "-o", "/dev/null"]),
            ("perf trace -s", Mode.Native, ["perf", "trace", "-s", "-o", "/dev/null", "--"]),
        ];
        var missing = all.Select(m => m.Before.Length == 0 ? null : WhyNot(m.Before)).ToArray();
        var there = all.Where((_, i) => missing[i] is null).ToArray();
        foreach (var result in MeasureThere(paths, effort, there)) yield return result;
        foreach (var (monitor, why) in all.Zip(missing).Where(m => m.Second is not null)) yield return Result.LeftOut($"one call by the clock: {monitor.Name}", why!);
    }

    private static List<Result> MeasureThere(Paths paths, Effort effort, (string Name, Mode Mode, string[] Before)[] monitors)
    {
        var benches = new List<CallBench>();
        try
        {
            foreach (var (_, mode, before) in monitors) benches.Add(new CallBench(paths, mode, before));
            Dictionary<(string Call, string Monitor), double> Round() =>
                (from call in _calls from bench in benches.Zip(monitors) select (Key: (call, bench.Second.Name), bench.First.Make(call, Made).Wall)).ToDictionary(m => m.Key, m => m.Wall);
            Round(); // warms up
            var rounds = paths.Log.Repeat("calls under monitors", effort.AtLeast(5, effort.MicroRounds), Round);
            double[] Times(string call, string monitor) => [.. rounds.Select(r => r[(call, monitor)])];
            return [.. from call in _calls from monitor in monitors select Row(call, monitor.Name, Times(call, monitor.Name), Times(call, monitors[0].Name))];
        }
        finally
        {
            benches.ForEach(b => b.Dispose());
        }
    }

    private static Result Row(string call, string monitor, double[] times, double[] native) => new(
        $"{call} by the clock: {monitor}", Sample.Of(times), Unit.Nanoseconds, Note: string.Create(CultureInfo.InvariantCulture, $"{Sample.OfRatios(times, native).Median:0.00} × native"));

    /// <summary>Whether a monitor can run a program here: null, or its own words.</summary>
    internal static string? WhyNot(IReadOnlyList<string> monitor)
    {
        try
        {
            var (status, _, errors) = Programs.RunToEnd(monitor[0], [.. monitor.Skip(1), "true"], _patience);
            return status == 0 ? null : $"{monitor[0]}: {errors.Split('\n').FirstOrDefault(l => l.Trim().Length > 0) ?? $"exit status {status}"}";
        }
        catch (Win32Exception)
        {
            return $"{monitor[0]} is not installed";
        }
    }
}
