using System.Runtime.InteropServices;
using System.Text;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Update.Elf;

/// <summary>The bytes of a file that nobody vouches for: each access is checked, and what lies outside is an
/// <see cref="ElfException"/> that says which part.</summary>
internal readonly struct ElfBytes(byte[] bytes)
{
    internal byte[] All { get; } = bytes;

    /// <summary>A part of the file.</summary>
    internal ReadOnlySpan<byte> Slice(ulong offset, ulong size, string what)
    {
        if (offset > (ulong)All.Length || size > (ulong)All.Length - offset)
            throw ElfHeader.Corrupt($"its {what} lies outside the file (is it truncated?)");
        return All.AsSpan((int)offset, (int)size);
    }

    /// <summary>A table of whole entries. x86-64 reads them at any alignment.</summary>
    internal ReadOnlySpan<T> Table<T>(ulong offset, ulong size, string what) where T : unmanaged
    {
        var bytes = Slice(offset, size, what);
        if (bytes.Length % Marshal.SizeOf<T>() != 0) throw ElfHeader.Corrupt($"its {what} doesn't hold whole entries");
        return MemoryMarshal.Cast<byte, T>(bytes);
    }

    /// <summary>One structure inside a part.</summary>
    internal static T Read<T>(ReadOnlySpan<byte> part, ulong at, string what) where T : unmanaged =>
        at <= (ulong)part.Length && (ulong)Marshal.SizeOf<T>() <= (ulong)part.Length - at
            ? MemoryMarshal.Read<T>(part[(int)at..])
            : throw ElfHeader.Corrupt($"its {what} ends inside an entry");

    /// <summary>A string of a string table.</summary>
    internal static string String(ReadOnlySpan<byte> table, ulong at, string what)
    {
        if (at == 0 && table.IsEmpty) return "";
        var rest = at < (ulong)table.Length ? table[(int)at..] : default;
        var end = rest.IndexOf((byte)0);
        return end >= 0 ? Encoding.UTF8.GetString(rest[..end]) : throw ElfHeader.Corrupt($"a name in its {what} has no end");
    }
}
