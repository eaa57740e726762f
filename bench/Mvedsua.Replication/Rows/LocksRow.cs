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
        using var alone = new CallBench(paths, Mode.Native, threads: true);
        using var preloaded = new CallBench(paths, Mode.Solo, threads: true);
        using var session = new CallBench(paths, Mode.Follower, threads: true);
        (double Native, double Solo, double Leader) Round()
        {
            var round = (alone.Make(CallsRow.Mutex, Made).Cpu, preloaded.Make(CallsRow.Mutex, Made).Cpu, session.Make(CallsRow.Mutex, Made).Cpu);
            Rounds.AwaitInStep(session.Server);
            return round;
        }

        Round(); // warms up
        var rounds = paths.Log.Repeat("locks", effort.AtLeast(5, effort.MicroRounds), Round);
        double[] native = [.. rounds.Select(r => r.Native)], solo = [.. rounds.Select(r => r.Solo)], leader = [.. rounds.Select(r => r.Leader)];
        var note = string.Create(CultureInfo.InvariantCulture, $"native {Sample.Of(native).Median * 1e9:0.0} ns; the thread's own time, in a process of two threads");
        yield return new Result("one mutex lock and unlock: added solo", Sample.OfDifferences(solo, native), Unit.Nanoseconds, 10e-9, Note: note);
        yield return new Result("one mutex lock and unlock: added in the leader", Sample.OfDifferences(leader, native), Unit.Nanoseconds, 25e-9, Note: note);
    }
}
