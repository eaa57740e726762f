using System.Runtime.InteropServices;

namespace Mvedsua.Abi;

/// <summary>futex(2) and futex_waitv(2), always shared between processes.</summary>
internal static unsafe class Futex
{
    private const int FutexWait = 0, FutexWake = 1;
    private const uint Futex32 = 2; // FUTEX_32: 32-bit, shared
    private const int ClockMonotonic = 1;

    internal const uint OwnerDied = 0x40000000, Waiters = 0x80000000;

    /// <summary>struct futex_waitv of linux/futex.h.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 24)]
    internal struct Waiter(SharedUInt32 word, uint expected)
    {
        [FieldOffset(0)] internal ulong Value = expected;
        [FieldOffset(8)] internal ulong Address = word.Address;
        [FieldOffset(16)] internal uint Flags = Futex32;
        [FieldOffset(20)] internal uint Reserved;
    }

    /// <summary>The most words that one wait can name: FUTEX_WAITV_MAX.</summary>
    internal const int MostWaiters = 128;

    internal static void Wait(uint* word, uint expected, TimeSpan limit)
    {
        long* time = stackalloc long[2];
        Split(limit, time);
        _ = NativeCalls.Syscall(NativeCalls.SysFutex, (long)word, FutexWait, expected, limit < TimeSpan.Zero ? 0 : (long)time, 0, 0);
    }

    internal static void Wake(uint* word, int count) =>
        _ = NativeCalls.Syscall(NativeCalls.SysFutex, (long)word, FutexWake, count, 0, 0, 0);

    /// <summary>Sleeps until one of the words is woken or differs already, at most <paramref name="limit"/>.
    /// Returns early for any reason the kernel has: the caller looks at its words again.</summary>
    internal static void WaitAny(ReadOnlySpan<Waiter> waiters, TimeSpan limit)
    {
        long* until = stackalloc long[2];
        Split(TimeSpan.FromTicks(MonotonicTicks() + limit.Ticks), until);
        fixed (Waiter* first = waiters)
        {
            _ = NativeCalls.Syscall(NativeCalls.SysFutexWaitv, (long)first, waiters.Length, 0, (long)until, ClockMonotonic, 0);
        }
    }

    /// <summary>.NET's Stopwatch reads CLOCK_MONOTONIC in nanoseconds on Linux.</summary>
    private static long MonotonicTicks() =>
        (long)((Int128)System.Diagnostics.Stopwatch.GetTimestamp() * TimeSpan.TicksPerSecond / System.Diagnostics.Stopwatch.Frequency);

    private static void Split(TimeSpan time, long* secondsAndNanoseconds)
    {
        secondsAndNanoseconds[0] = time.Ticks / TimeSpan.TicksPerSecond;
        secondsAndNanoseconds[1] = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick;
    }
}
