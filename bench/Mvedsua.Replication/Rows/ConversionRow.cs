using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Rows;

/// <summary>The sample server is updated from 1.0 to 2.0: each of a million entries gets another type.</summary>
internal static class ConversionRow
{
    private const int Entries = 1_000_000;

    internal static Result Measure(Paths paths, Effort effort)
    {
        using var session = new Server(paths, Mode.Session, Recipe.Kv(paths.Kv("1.0")));
        using var line = new KvLine(session.Port);
        line.Fill(Entries);
        var folder = Paths.Rules("kv/1.0-2.0");
        var version = new NewVersion(paths.Kv("2.0"), Path.Combine(folder, "update.description"), folder);
        var ready = paths.Log.Repeat("conversion, kv", effort.Conversions, () =>
        {
            var seconds = session.Update(version).Ready;
            // The new version has what the old one had, and would be ended if it said anything else.
            var (count, entry) = (line.Ask("COUNT"), line.Ask($"GET filled:{Entries - 1}"));
            if (count != $"COUNT {Entries}" || entry != $"VALUE the value of entry {Entries - 1}") throw new BenchException($"kv answered '{count}' and '{entry}'");
            Rounds.AwaitInStep(session);
            session.Rollback();
            return seconds;
        });

        return new Result("update ready: kv, 1 M entries of another type", Sample.Of(ready), Unit.Milliseconds, 2, Published: "3700 ms Kitsune, 1 M × 1 kB",
            Note: "values of some 25 bytes, no load");
    }
}
