using System.Diagnostics;

namespace Mvedsua.Abi.Tests;

/// <summary>Memory of a live log, seen from outside: st_blocks of the memfd. (What one process can show alone stands
/// in tests/native/log/test_memory.c.)</summary>
public sealed class MemoryTests
{
    private const ulong Mebibyte = 1 << 20;

    [Fact]
    public async Task A_lag_is_paid_back_by_the_keeper_while_the_writer_stands_still()
    {
        using var memory = SessionMemory.Create("memory-test");
        var at = new Peer.Place(memory, 0, 0, 1, 42, 100_000);
        using var writer = await Peer.Produce(at, 4000, 128 * Mebibyte, 1, keeper: true, drop: false);
        using var reader = LogReader.Open(memory, 0, 0, 1, 0);
        writer.Go();
        await Until(() => memory.HeldBytes > 16 * Mebibyte, "the log does not grow");
        for (var read = 0ul; ; read++)
        {
            Assert.Equal(LogWake.Event, reader.Wait(Peer.Patience));
            Assert.True(reader.TryPeek(out var e));
            var last = e.Call == (ushort)MvPseudoCall.Role;
            Assert.True(last || Plan.Matches(e, at.Seed, read, at.Largest));
            reader.Consume();
            if (last) break;
        }

        Assert.StartsWith("done 4000 ", await writer.Line(), StringComparison.Ordinal);
        Assert.Equal((0ul, 0ul), reader.Lag);
        await Until(() => memory.HeldBytes <= Mebibyte, "the memory does not come back");
    }

    [Fact]
    public async Task A_new_session_memory_holds_nothing_and_a_log_only_what_it_uses()
    {
        using var memory = SessionMemory.Create("memory-test");
        Assert.True(memory.HeldBytes <= 64 << 10, $"{memory.HeldBytes} bytes for nothing");
        using var writer = await Peer.Produce(new Peer.Place(memory, 1, 127, 1, 1, 64), 10, 4 * Mebibyte, 0, keeper: true, drop: false);
        writer.Go();
        Assert.StartsWith("done ", await writer.Line(), StringComparison.Ordinal);
        Assert.True(memory.HeldBytes <= 128 << 10, $"{memory.HeldBytes} bytes for ten records");
    }

    private static async Task Until(Func<bool> reached, string otherwise)
    {
        for (var begin = Stopwatch.GetTimestamp(); !reached(); await Task.Delay(5))
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < Peer.Patience, otherwise);
        }
    }
}
