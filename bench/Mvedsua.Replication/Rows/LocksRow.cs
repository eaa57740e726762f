using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What the order between threads adds to an uncontended lock and unlock (bench/native/lock-bench.c).</summary>
internal static class LocksRow
{
    private const int Rounds = 3, Pairs = 1_000_000;

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        string[] program = [paths.Bench("lock-bench"), $"{Rounds}", $"{Pairs}"];
        List<double> native = [], solo = [], leader = [];
        for (var i = 0; i < Math.Max(5, effort.MicroRounds); i++)
        {
            native.Add(Parse(Programs.Run(program[0], program[1..])));
            solo.Add(Parse(Programs.Run(program[0], program[1..], ("LD_PRELOAD", paths.Library))));
            var (output, errors) = Programs.RunBoth(paths.Command, ["run", "--name", $"bench-locks-{Environment.ProcessId}", "--follower", "--", .. program]);
            CallsRow.RefuseEarlyEnd(errors);
            leader.Add(Parse(output));
        }

        var note = string.Create(CultureInfo.InvariantCulture, $"native {Sample.Of(native).Median * 1e9:0.0} ns; the thread's own time");
        yield return new Result("one mutex lock and unlock: added solo", Sample.OfDifferences([.. solo], [.. native]), Unit.Nanoseconds, 10e-9, Note: note);
        yield return new Result("one mutex lock and unlock: added in the leader", Sample.OfDifferences([.. leader], [.. native]), Unit.Nanoseconds, 25e-9, Note: note);
    }

    /// <summary>Lines of one number, in ns; other lines are the server's or the coordinator's. The median, in seconds.</summary>
    internal static double Parse(string output)
    {
        double[] rounds = [.. output.Split('\n').Where(l => double.TryParse(l, NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            .Select(l => double.Parse(l, CultureInfo.InvariantCulture) / 1e9)];
        if (rounds.Length == 0) throw new BenchException($"lock-bench printed '{output.Trim()}'");
        return Sample.Of(rounds).Median;
    }
}
