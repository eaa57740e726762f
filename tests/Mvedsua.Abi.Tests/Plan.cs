using System.Numerics;

namespace Mvedsua.Abi.Tests;

/// <summary>The records of log-peer, as tests/native/log/support.c makes them: sizes and every byte of record n follow
/// from the seed and n.</summary>
internal static class Plan
{
    internal static bool Matches(EventView e, ulong seed, ulong sequence, uint largest)
    {
        var state = seed ^ (sequence * 0x2545f4914f6cdd1d);
        var inSize = Size(ref state, largest);
        var outSize = Size(ref state, largest);
        var call = (ushort)(Next(ref state) % 512);
        if (e.Sequence != sequence || e.Call != call || e.InPayload.Length != inSize || e.OutPayload.Length != outSize) return false;
        if ((ulong)e.Flags != (sequence & 15) || e.Result != (long)Word(seed, sequence, 1) || e.Stamp != sequence) return false;
        for (var i = 0; i < 6; i++)
        {
            if (e.Args[i] != Word(seed, sequence, 3 + (ulong)i)) return false;
        }

        return PayloadMatches(e.InPayload, seed, sequence, 0) && PayloadMatches(e.OutPayload, seed, sequence, inSize / 8);
    }

    private static bool PayloadMatches(ReadOnlySpan<byte> payload, ulong seed, ulong sequence, uint first)
    {
        var words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(payload);
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] != Word(seed, sequence, first + (ulong)i)) return false;
        }

        return true;
    }

    private static ulong Word(ulong seed, ulong sequence, ulong i) => (seed + sequence) * 0x9e3779b97f4a7c15 + i * 0xd1342543de82ef95;

    private static uint Size(ref ulong state, uint largest)
    {
        ulong size = (Next(ref state) % 16) switch
        {
            0 => Next(ref state) % (largest + 1ul),
            1 or 2 => Next(ref state) % 65536,
            3 or 4 or 5 => Next(ref state) % 4096,
            6 or 7 => 0ul,
            _ => 1 + Next(ref state) % 256,
        };
        return (uint)((Math.Min(size, largest) + 7) & ~7ul);
    }

    private static ulong Next(ref ulong state)
    {
        var z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
