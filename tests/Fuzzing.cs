using CsCheck;

namespace Mvedsua.Tests;

/// <summary>What the fuzzing tests of several projects share. A failure prints CsCheck's seed; the variable CsCheck_Seed
/// repeats it.</summary>
internal static class Fuzzing
{
    /// <summary>Of each parser; FUZZ_SECONDS makes it longer.</summary>
    internal static int Seconds { get; } = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SECONDS"), out var seconds) ? seconds : 5;

    /// <summary>Tries for so many seconds; and on, where that was a handful on a busy machine, until enough was tried (or never will be).</summary>
    internal static void SampleUntil<T>(this Gen<T> gen, Action<T> test, Func<bool> enough, int seconds)
    {
        gen.Sample(test, time: seconds, threads: 1);
        for (var more = 0; !enough() && more < 100; more++) gen.Sample(test, iter: 100, threads: 1);
    }

    /// <summary>One of these.</summary>
    internal static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    /// <summary>Numbers at which parsers go wrong: around 0, a page, the signs and the ends of the ranges; or any.</summary>
    internal static Gen<ulong> AwkwardNumber { get; } = Gen.OneOf(
        Gen.Select(OneOf<ulong>(0, 4096, 1ul << 18, 1ul << 31, 1ul << 32, 1ul << 36, 1ul << 63), Gen.Long[-130, 130],
            (near, offset) => near + (ulong)offset),
        Gen.ULong[0, 1 << 20],
        Gen.ULong);

    /// <summary>A few bytes, words or runs changed.</summary>
    internal static Gen<byte[]> Damaged(Gen<byte[]> whole) => Gen.Select(whole, Gen.Select(Gen.Int[0, 5], Gen.Int[0, int.MaxValue], Gen.Int[0, 40], AwkwardNumber).List[1, 6],
        (bytes, changes) =>
        {
            var damaged = (byte[])bytes.Clone();
            foreach (var (kind, place, length, number) in changes)
            {
                if (damaged.Length == 0) break;
                var at = place % damaged.Length;
                switch (kind)
                {
                    case 0:
                        damaged[at] ^= (byte)(1 << (length % 8));
                        break;
                    case 1:
                        damaged[at] = (byte)number;
                        break;
                    case 2 when damaged.Length >= 8: /* a word, where words stand */
                        BitConverter.TryWriteBytes(damaged.AsSpan(Math.Min(at & ~7, damaged.Length - 8)), number);
                        break;
                    case 3: /* cut */
                        damaged = damaged[..at];
                        break;
                    case 4: /* a run twice */
                        damaged = [.. damaged[..at], .. damaged[Math.Max(0, at - length)..]];
                        break;
                    default:
                        damaged.AsSpan(at, Math.Min(length, damaged.Length - at)).Fill((byte)number);
                        break;
                }
            }

            return damaged;
        });
}
