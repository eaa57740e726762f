using System.Globalization;

namespace Mvedsua.Abi.Tests;

/// <summary>Producer and readers as separate processes, everything at random: sizes from nothing to several chunks,
/// budgets, slow readers, a keeper or none, C and C# readers, a reader or the writer killed at any moment.
/// MVEDSUA_LOG_SEED repeats a run, MVEDSUA_LOG_ROUNDS makes more of them.</summary>
public sealed class ProcessModelTests
{
    private const uint Largest = 700_000;
    private const ulong Generation = 3;

    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("MVEDSUA_LOG_ROUNDS") ?? "4", CultureInfo.InvariantCulture);

    private static readonly ulong FirstSeed =
        ulong.TryParse(Environment.GetEnvironmentVariable("MVEDSUA_LOG_SEED"), out var seed) ? seed : (ulong)Random.Shared.NextInt64();

    private sealed record Reading(int Index, Task<string> Outcome, Peer? Process);

    [Fact]
    public Task Every_reader_gets_every_record_once_and_in_order() => EachSeed(async (random, at) =>
    {
        var count = 1200ul;
        var readers = random.Next(1, 5);
        var budget = (ulong)random.Next(3, 40) << 20;
        using var writer = await Peer.Produce(at, count, budget, readers, keeper: Coin(random), drop: false);
        var readings = await Start(at, random, readers);
        writer.Go();
        foreach (var r in readings) Assert.Equal($"end {count}", await r.Outcome);
        var done = (await writer.Line())!.Split(' ');
        Assert.Equal(["done", $"{count}"], done[..2]);
        Assert.True(ulong.Parse(done[2], CultureInfo.InvariantCulture) <= budget, $"held {done[2]} of {budget}");
        Dispose(readings);
    });

    [Fact]
    public Task A_writer_never_waits_for_a_reader_that_lags_and_the_others_miss_nothing() => EachSeed(async (random, at) =>
    {
        var count = 1500ul;
        using var writer = await Peer.Produce(at, count, 4ul << 20, 2, keeper: Coin(random), drop: true);
        using var stuck = await Peer.Consume(at, 0, 2_000_000, 1); // one record every two seconds
        using var quick = await Peer.Consume(at, 1, 0, 1);
        writer.Go();
        var lines = new List<string>();
        while (await writer.Line() is { } line)
        {
            lines.Add(line);
            if (line.StartsWith("done", StringComparison.Ordinal)) break;
        }

        Assert.Contains("dropped 0", lines);
        Assert.StartsWith($"done {count} ", lines[^1], StringComparison.Ordinal);
        var outcome = (await quick.Line())!;
        // It may fall behind a writer that waits for nobody; but then it was dropped, and read nothing wrong before.
        if (lines.Contains("dropped 1") && outcome.StartsWith("dropped ", StringComparison.Ordinal)) return;
        Assert.Equal($"end {count}", outcome);
    });

    [Fact]
    public Task A_killed_reader_holds_the_writer_up_no_longer_than_its_cursor_lives() => EachSeed(async (random, at) =>
    {
        var count = 1200ul;
        using var writer = await Peer.Produce(at, count, 4ul << 20, 2, keeper: Coin(random), drop: false);
        using var victim = await Peer.Consume(at, 0, random.Next(0, 3000), 10);
        var survivor = (await Start(at, random, 1, first: 1))[0];
        writer.Go();
        await Task.Delay(random.Next(0, 60));
        victim.Kill();
        at.Memory.DropReader(at.Version, at.Slot, 0);
        Assert.Equal($"end {count}", await survivor.Outcome);
        Assert.StartsWith($"done {count} ", await writer.Line(), StringComparison.Ordinal);
        Dispose([survivor]);
    });

    [Fact]
    public Task A_killed_writer_leaves_exactly_what_it_published() => EachSeed(async (random, at) =>
    {
        var readers = random.Next(1, 5);
        using var writer = await Peer.Produce(at, 0, (ulong)random.Next(3, 20) << 20, readers, keeper: Coin(random), drop: false);
        var readings = await Start(at, random, readers);
        writer.Go();
        await Task.Delay(random.Next(0, 120));
        writer.Kill();
        var outcomes = new List<string>();
        foreach (var r in readings) outcomes.Add(await r.Outcome);
        Assert.Single(outcomes.Distinct());
        Assert.StartsWith("dead ", outcomes[0], StringComparison.Ordinal);
        var read = ulong.Parse(outcomes[0].Split(' ')[1], CultureInfo.InvariantCulture);
        // `sequence` is stored just before `published`: the kill may have come between.
        Assert.InRange(SequenceOf(at) - read, 0ul, 1ul);
        Dispose(readings);
    });

    private static bool Coin(Random random) => random.Next(2) == 0;

    private static unsafe ulong SequenceOf(Peer.Place at)
    {
        using var span = at.Memory.MapLog(at.Version, at.Slot, out _)!;
        return ((MvLogHeader*)span.Address)->Sequence;
    }

    /// <summary>Readers of both kinds, quick and slow.</summary>
    private static async Task<List<Reading>> Start(Peer.Place at, Random random, int count, int first = 0)
    {
        var readings = new List<Reading>();
        for (var i = first; i < first + count; i++)
        {
            var nap = Coin(random) ? 0 : random.Next(1, 2000);
            var every = random.Next(1, 40);
            if (random.Next(3) == 0)
            {
                // Opened here, before the writer goes on.
                var reader = LogReader.Open(at.Memory, at.Version, at.Slot, at.Generation, i);
                readings.Add(new Reading(i, Task.Run(() => Read(reader, at, nap, every)), null));
            }
            else
            {
                var peer = await Peer.Consume(at, i, nap, every);
                readings.Add(new Reading(i, Task.Run(async () => await peer.Line() ?? "gone"), peer));
            }
        }

        return readings;
    }

    /// <summary>The same as log-peer's consume, with the C# reader.</summary>
    private static string Read(LogReader reader, Peer.Place at, int nap, int every)
    {
        using var owned = reader;
        using var patience = new CancellationTokenSource(Peer.Patience);
        for (var read = 0ul; ; reader.Consume(), read++)
        {
            if (reader.Wait(patience.Token) == LogWake.OwnerDead) return $"dead {read}";
            if (!reader.TryPeek(out var e)) return $"nothing there after {read}";
            if (e.Call == (ushort)MvPseudoCall.Role) return $"end {read}";
            if (!Plan.Matches(e, at.Seed, read, at.Largest)) return $"wrong {read}";
            if (nap > 0 && read % (ulong)every == 0) Thread.Sleep(TimeSpan.FromMicroseconds(nap));
        }
    }

    private static void Dispose(List<Reading> readings)
    {
        foreach (var r in readings) r.Process?.Dispose();
    }

    private static async Task EachSeed(Func<Random, Peer.Place, Task> run)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var seed = FirstSeed + (ulong)round;
            using var memory = SessionMemory.Create("log-model");
            var random = new Random((int)(seed * 0x9e3779b97f4a7c15 >> 33));
            var at = new Peer.Place(memory, random.Next(2), random.Next(128), Generation, seed, Largest);
            try
            {
                await run(random, at);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException(
                    $"again: MVEDSUA_LOG_SEED={seed} MVEDSUA_LOG_ROUNDS=1 dotnet test --project tests/Mvedsua.Abi.Tests --filter-class {typeof(ProcessModelTests)}",
                    failure);
            }
        }
    }
}
