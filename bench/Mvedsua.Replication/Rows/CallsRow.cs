using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What one call costs natively, solo, in the leader and in the follower (bench/native/call-bench.c): Varan's table. What publishing adds in the leader is
/// the whole path, from the site to the visible record; it explains the leader's CPU per request, so it has no goal of its own.</summary>
internal static class CallsRow
{
    private const int Made = 30_000;
    private static readonly Way[] _ways = Enum.GetValues<Way>();

    /// <summary>Those that a busy server makes most.</summary>
    private static readonly string[] _usual = ["read of 64 bytes", "write of 64 bytes", "clock_gettime", "getppid"];

    /// <summary>Locks are no calls: LocksRow has them.</summary>
    internal const string Mutex = "mutex, lock and unlock";

    /// <summary>Of Varan, in cycles, by way.</summary>
    private static readonly Dictionary<string, int[]> _varan = new()
    {
        ["close of -1"] = [1261, 1330, 1718, 257],
        ["write of 512 bytes"] = [1430, 1564, 1994, 291],
        ["read of 512 bytes"] = [1486, 1528, 3290, 1969],
        ["open and close of /dev/null"] = [2583, 2976, 8788, 7342],
        ["time"] = [49, 122, 429, 189],
    };

    private enum Way
    {
        Native,
        Solo,
        Leader,
        Follower,
    }

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        using var native = new CallBench(paths, Mode.Native);
        using var solo = new CallBench(paths, Mode.Solo);
        using var session = new CallBench(paths, Mode.Follower);
        var roles = session.Server.Roles();
        using var counters = new CycleCounters(native.Server.Pid, solo.Server.Pid, roles.Server, roles.Follower!.Value);
        string[] calls = [.. native.Calls.Where(c => c != Mutex)];
        Cost[] Make(string call)
        {
            var before = counters.Read();
            double[] seconds = [native.Make(call, Made).Cpu, solo.Make(call, Made).Cpu, .. InSession(session, roles.Follower!.Value, call)];
            var cycles = counters.Read();
            return [.. _ways.Select((_, w) => new Cost(seconds[w], (cycles[w] - before[w]) / Made))];
        }

        Cost[][] Round() => [.. calls.Select(Make)];
        Round(); // warms up
        var rounds = paths.Log.Repeat("calls", effort.AtLeast(5, effort.MicroRounds), Round);
        var costs = calls.Select((call, i) => (call, rounds.Select(r => r[i]).ToList())).ToDictionary(c => c.call, c => c.Item2);
        foreach (var call in _usual) yield return Added(call, costs[call]);
        foreach (var call in calls)
        {
            foreach (var way in _ways) yield return Row(call, way, costs[call], counters.Why.Length == 0);
        }

        if (counters.Why.Length > 0) yield return Result.LeftOut("cycles of these calls", counters.Why);
    }

    /// <summary>What it adds to a call in the leader.</summary>
    private static Result Added(string call, List<Cost[]> rounds)
    {
        double[] with = Seconds(rounds, Way.Leader), without = Seconds(rounds, Way.Native);
        return new Result($"one {call}: added in the leader", Sample.OfDifferences(with, without), Unit.Nanoseconds,
            Note: string.Create(CultureInfo.InvariantCulture, $"native {Sample.Of(without).Median * 1e9:0} ns"));
    }

    private static Result Row(string call, Way way, List<Cost[]> rounds, bool counted)
    {
        var times = Seconds(rounds, way);
        string[] notes =
        [
            .. way == Way.Native ? [] : new[] { string.Create(CultureInfo.InvariantCulture, $"{Sample.OfRatios(times, Seconds(rounds, Way.Native)).Median:0.00} × native") },
            .. counted ? new[] { string.Create(CultureInfo.InvariantCulture, $"{Sample.Of(rounds.Select(r => r[(int)way].Cycles)).Median:0} cycles") } : [],
        ];
        return new Result($"{call}: {Name(way)}", Sample.Of(times), Unit.Nanoseconds, Published: Published(call, (int)way), Note: string.Join("; ", notes));
    }

    /// <summary>Varan's figure: it has cycles of another machine, so the ratio is what compares.</summary>
    internal static string Published(string call, int way)
    {
        if (!_varan.TryGetValue(call, out var cycles)) return "–";
        var ratio = way == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {(double)cycles[way] / cycles[0]:0.00} × native");
        return $"Varan{(call.StartsWith("open", StringComparison.Ordinal) ? ", open alone," : "")} {cycles[way]} cycles{ratio}";
    }

    /// <summary>Seconds a call: of the leader's thread, and all that the follower used for as many. The follower does nothing else, and what it reads in a batch once it
    /// has napped belongs to it.</summary>
    private static double[] InSession(CallBench session, int follower, string call)
    {
        var before = CpuTime.OfProcess(follower);
        var leader = session.Make(call, Made).Cpu;
        Rounds.AwaitInStep(session.Server);
        return [leader, (CpuTime.OfProcess(follower) - before) / Made];
    }

    private static double[] Seconds(List<Cost[]> rounds, Way way) => [.. rounds.Select(r => r[(int)way].Seconds)];

    private static string Name(Way way) => way switch
    {
        Way.Native => "native",
        Way.Solo => "solo",
        Way.Leader => "leader",
        _ => "follower",
    };

    private readonly record struct Cost(double Seconds, double Cycles);

    /// <summary>One of each process, or none of any.</summary>
    private sealed class CycleCounters : IDisposable
    {
        private readonly List<Cycles> _counters = [];

        internal CycleCounters(params int[] pids)
        {
            foreach (var pid in pids)
            {
                var (counter, why) = Cycles.Open(pid);
                if (counter is null) Why = why;
                else _counters.Add(counter);
            }
        }

        /// <summary>Why nothing is counted; empty when it is.</summary>
        internal string Why { get; } = "";

        internal double[] Read() => Why.Length > 0 ? new double[_ways.Length] : [.. _counters.Select(c => (double)c.Count)];

        public void Dispose() => _counters.ForEach(c => c.Dispose());
    }
}
