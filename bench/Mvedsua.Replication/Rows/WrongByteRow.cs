using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>How soon it is found that a new version would have answered one byte wrong, and how soon it ends.</summary>
internal static class WrongByteRow
{
    /// <summary>Of kv-1.0-byte: the number, since the update, of the request that it answers wrong.</summary>
    private const int WrongAnswer = 100;

    private const int Fewest = 5;

    internal static IEnumerable<Result> Measure(Paths paths, Effort effort)
    {
        using var session = new Server(paths, Mode.Session, Recipe.Kv(paths.Kv("1.0")));
        using var line = new KvLine(session.Port);
        var version = new NewVersion(paths.Kv("1.0-byte"), Path.Combine(Paths.Rules("kv/1.0-1.1"), "update.description"));
        List<double> found = [], ended = [];
        for (var i = 0; i < effort.AtLeast(Fewest, effort.Updates); i++)
        {
            session.Update(version);
            for (var request = 1; request < WrongAnswer; request++) Ping(line);
            Rounds.AwaitInStep(session);
            var (end, report) = (session.NextLine(" ended: "), session.NextLine("report /"));
            // Before the request, so before the leader's write: the two clocks are one.
            var asked = DateTimeOffset.UtcNow;
            Ping(line);
            if (end.GetAwaiter().GetResult() is var why && !why.Contains("diverged", StringComparison.Ordinal)) throw new BenchException(why);
            report.GetAwaiter().GetResult();
            found.Add((session.LastFound() - asked).TotalSeconds);
            ended.Add((session.LastEnd() - asked).TotalSeconds);
            if (found[^1] < 0) throw new BenchException("the last report is older than the wrong byte");
        }

        yield return new Result("a wrong byte: until it is found", Sample.Of(found), Unit.Milliseconds,
            Note: "kv; from just before the request that it answers wrong; the new version had caught up");
        yield return new Result("a wrong byte: until its version ends", Sample.Of(ended), Unit.Milliseconds, 10e-3,
            Note: "the same ones");
    }

    private static void Ping(KvLine line)
    {
        if (line.Ask("PING") is var answer && answer != "PONG") throw new BenchException($"kv answered '{answer}' to PING");
    }
}
