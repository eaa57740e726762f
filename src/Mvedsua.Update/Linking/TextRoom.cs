using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>
/// The bytes of a code section that is given up: traps everywhere, jumps at function entries. A jump takes five bytes; an entry with
/// less room up to the next one gets a two-byte jump to free bytes near it, in which the long jump stands.
/// </summary>
internal sealed class TextRoom
{
    internal const int JumpSize = 5, ShortJumpSize = 2;
    private const byte Trap = 0xcc, Jump = 0xe9, ShortJump = 0xeb;

    private readonly ulong _start;
    private readonly byte[] _bytes;
    private readonly bool[] _taken;

    /// <param name="start">Address of the section in the process.</param>
    /// <param name="length">Its size.</param>
    internal TextRoom(ulong start, int length)
    {
        (_start, _bytes, _taken) = (start, new byte[length], new bool[length]);
        Array.Fill(_bytes, Trap);
    }

    internal ulong Start => _start;

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Reserves the room of an entry, so that no long jump of another is put there.</summary>
    internal void Reserve(ulong entry, int length)
    {
        var at = (int)(entry - _start);
        _taken.AsSpan(at, Math.Min(length, _taken.Length - at)).Fill(true);
    }

    /// <summary>Leaves code as it is.</summary>
    internal void Keep(ulong entry, ReadOnlySpan<byte> code)
    {
        Reserve(entry, code.Length);
        code.CopyTo(_bytes.AsSpan((int)(entry - _start)));
    }

    /// <summary>Where the long jump of an entry with that much room stands; null when there is no place for one.</summary>
    internal ulong? Place(ulong entry, int room)
    {
        if (room >= JumpSize) return entry;
        if (room < ShortJumpSize) return null;
        var at = (int)(entry - _start);
        var low = Math.Max(0, at + ShortJumpSize - 128);
        var high = Math.Min(_bytes.Length - JumpSize, at + ShortJumpSize + 127);
        for (var place = low; place <= high; place++)
        {
            if (_taken.AsSpan(place, JumpSize).Contains(true)) continue;
            Reserve(_start + (ulong)place, JumpSize);
            _bytes[at] = ShortJump;
            _bytes[at + 1] = (byte)(sbyte)(place - at - ShortJumpSize);
            return _start + (ulong)place;
        }

        return null;
    }

    internal void SetJump(ulong place, ulong target) => MakeJump(place, target).CopyTo(_bytes.AsSpan((int)(place - _start)));

    /// <summary>The bytes of a jump; both are addresses in the process.</summary>
    internal static byte[] MakeJump(ulong place, ulong target)
    {
        var distance = unchecked((long)(target - (place + JumpSize)));
        if (distance != (int)distance)
            throw new UpdateRefusedException($"the entry at {place:x} can't reach the new code at {target:x}: more than 2 GiB apart");
        byte[] jump = [Jump, 0, 0, 0, 0];
        BitConverter.TryWriteBytes(jump.AsSpan(1), (int)distance);
        return jump;
    }

    internal static byte[] MakeTraps(int length)
    {
        var traps = new byte[length];
        Array.Fill(traps, Trap);
        return traps;
    }
}
