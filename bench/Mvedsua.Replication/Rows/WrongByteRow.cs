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
        var rounds = paths.Log.Repeat("a wrong byte", effort.AtLeast(Fewest, effort.Updates), () =>
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
            var (found, ended) = ((session.LastFound() - asked).TotalSeconds, (session.LastEnd() - asked).TotalSeconds);
            return found < 0 ? throw new BenchException("the last report is older than the wrong byte") : (Found: found, Ended: ended);
        });

        yield return new Result("a wrong byte: until it is found", Sample.Of(rounds.Select(r => r.Found)), Unit.Milliseconds,
            Note: "kv; from just before the request that it answers wrong; the new version had caught up");
        yield return new Result("a wrong byte: until its version ends", Sample.Of(rounds.Select(r => r.Ended)), Unit.Milliseconds, 10e-3,
            Note: "the same ones");
    }

    private static void Ping(KvLine line)
    {
        if (line.Ask("PING") is var answer && answer != "PONG") throw new BenchException($"kv answered '{answer}' to PING");
    }
}
