using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What the order between threads adds to an uncontended lock and unlock.</summary>
internal static class LocksRow
{
    private const int Made = 1_000_000;

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        List<double> native = [], solo = [], leader = [];
        using var alone = new CallBench(paths, Mode.Native, threads: true);
        using var preloaded = new CallBench(paths, Mode.Solo, threads: true);
        using var session = new CallBench(paths, Mode.Follower, threads: true);
        for (var i = -1; i < effort.AtLeast(5, effort.MicroRounds); i++)
        {
            foreach (var (bench, times) in new[] { (alone, native), (preloaded, solo), (session, leader) })
            {
                var seconds = bench.Make(CallsRow.Mutex, Made).Cpu;
                if (i >= 0) times.Add(seconds); // -1 warms up
            }

            Rounds.AwaitInStep(session.Server);
        }

        var note = string.Create(CultureInfo.InvariantCulture, $"native {Sample.Of(native).Median * 1e9:0.0} ns; the thread's own time, in a process of two threads");
        yield return new Result("one mutex lock and unlock: added solo", Sample.OfDifferences(solo, native), Unit.Nanoseconds, 10e-9, Note: note);
        yield return new Result("one mutex lock and unlock: added in the leader", Sample.OfDifferences(leader, native), Unit.Nanoseconds, 25e-9, Note: note);
    }
}
