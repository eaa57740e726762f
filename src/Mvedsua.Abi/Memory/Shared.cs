using System.Runtime.CompilerServices;

namespace Mvedsua.Abi;

/// <summary>A 32-bit word of memory shared with another process: owns the barriers, so that nobody touches the
/// raw pointer. Valid as long as the mapping that it points into.</summary>
public readonly unsafe struct SharedUInt32
{
    private readonly uint* _word;

    internal SharedUInt32(uint* word) => _word = word;

    /// <summary>Acquire load and release store.</summary>
    public uint Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref *_word);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Volatile.Write(ref *_word, value);
    }

    /// <summary>Address, for system calls.</summary>
    internal ulong Address => (ulong)_word;

    /// <summary>Atomic; returns the old value. A full fence, as all below.</summary>
    public uint Exchange(uint value) => Interlocked.Exchange(ref *_word, value);

    /// <summary>Atomic; returns the new value.</summary>
    public uint Increment() => Interlocked.Increment(ref *_word);

    /// <summary>Atomic; returns the old value.</summary>
    public uint Or(uint bits) => Interlocked.Or(ref *_word, bits);

    public void And(uint bits) => Interlocked.And(ref *_word, bits);

    /// <summary>Sleeps while the word is <paramref name="expected"/>, no longer than <paramref name="limit"/>
    /// (<see cref="Timeout.InfiniteTimeSpan"/>: no limit). Returns early for any reason the kernel has.</summary>
    public void Wait(uint expected, TimeSpan limit) => Futex.Wait(_word, expected, limit);

    /// <summary>Wakes up to <paramref name="count"/> sleepers of any process.</summary>
    public void Wake(int count = int.MaxValue) => Futex.Wake(_word, count);
}

/// <summary>A 64-bit word of memory shared with another process; see <see cref="SharedUInt32"/>.</summary>
public readonly unsafe struct SharedUInt64
{
    private readonly ulong* _word;

    internal SharedUInt64(ulong* word) => _word = word;

    public ulong Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref *_word);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Volatile.Write(ref *_word, value);
    }
}
