using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>What publishing adds to one call in the leader: whole path, from the site to the visible record. It
/// explains the leader's CPU per request, so it has no goal of its own.</summary>
internal static class CallsRow
{
    private const int Rounds = 3, Calls = 300_000;
    private static readonly string[] _calls = ["read of 64 bytes", "write of 64 bytes", "clock_gettime", "getppid"];

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        string[] program = [paths.Bench("call-bench"), $"{Rounds}", $"{Calls}"];
        List<double[]> native = [], leader = [];
        for (var i = 0; i < Math.Max(5, effort.MicroRounds); i++)
        {
            native.Add(Parse(Programs.Run(program[0], program[1..])));
            var (output, errors) = Programs.RunBoth(paths.Command, ["run", "--name", $"bench-calls-{Environment.ProcessId}", "--follower", "--", .. program]);
            RefuseEarlyEnd(errors);
            leader.Add(Parse(output));
        }

        for (var c = 0; c < _calls.Length; c++)
        {
            double[] with = [.. leader.Select(r => r[c])], without = [.. native.Select(r => r[c])];
            yield return new Result($"one {_calls[c]}: added in the leader", Sample.OfDifferences(with, without), Unit.Nanoseconds,
                Note: string.Create(CultureInfo.InvariantCulture, $"native {Sample.Of(without).Median * 1e9:0} ns"));
        }
    }

    /// <summary>Without a follower nothing would be published.</summary>
    internal static void RefuseEarlyEnd(string errors)
    {
        var early = errors.Split('\n').FirstOrDefault(l => l.Contains(" ended: ", StringComparison.Ordinal) && l.Contains("follower", StringComparison.Ordinal)
            && !l.Contains("the leader exited", StringComparison.Ordinal));
        if (early is not null) throw new BenchException(early);
    }

    /// <summary>Lines of four numbers, in ns; other lines are the server's or the coordinator's. Medians, in seconds.</summary>
    internal static double[] Parse(string output)
    {
        var rounds = output.Split('\n').Select(l => l.Split(' ')).Where(f => f.Length == _calls.Length && f.All(IsNumber))
            .Select(f => f.Select(n => double.Parse(n, CultureInfo.InvariantCulture) / 1e9).ToArray()).ToArray();
        if (rounds.Length == 0) throw new BenchException($"call-bench printed '{output.Trim()}'");
        return [.. Enumerable.Range(0, _calls.Length).Select(c => Sample.Of(rounds.Select(r => r[c])).Median)];
    }

    private static bool IsNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
