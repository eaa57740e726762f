using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>How soon a new version ends that would have answered one byte wrong: from the leader's answer on.</summary>
internal static class WrongByteRow
{
    /// <summary>Of kv-1.0-byte: the number, since the update, of the request that it answers wrong.</summary>
    private const int WrongAnswer = 100;

    private const int AtLeast = 5;

    internal static Result Measure(Paths paths, Effort effort)
    {
        using var session = new Server(paths, Mode.Session, Recipe.Kv(paths.Kv("1.0")));
        using var line = new KvLine(session.Port);
        var version = new NewVersion(paths.Kv("1.0-byte"), Path.Combine(Paths.Rules("kv/1.0-1.1"), "update.description"));
        List<double> took = [];
        for (var i = 0; i < Math.Max(AtLeast, effort.Updates); i++)
        {
            session.Update(version);
            for (var request = 1; request < WrongAnswer; request++) Ping(line);
            Rounds.AwaitInStep(session);
            var end = session.NextLine(" ended: ");
            // Before the request, so before the leader's write: the two clocks are one.
            var asked = DateTimeOffset.UtcNow;
            Ping(line);
            if (end.GetAwaiter().GetResult() is var why && !why.Contains("diverged", StringComparison.Ordinal)) throw new BenchException(why);
            took.Add((session.LastEnd() - asked).TotalSeconds);
        }

        return new Result("a wrong byte: until its version ends", Sample.Of(took), Unit.Milliseconds, 10e-3,
            Note: "kv; from just before the request that it answers wrong; the new version had caught up");
    }

    private static void Ping(KvLine line)
    {
        if (line.Ask("PING") is var answer && answer != "PONG") throw new BenchException($"kv answered '{answer}' to PING");
    }
}
