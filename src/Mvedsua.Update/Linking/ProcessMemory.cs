using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Mvedsua.Update.Linking;

/// <summary>Reads structures out of a process that stands still, page by page: neighbours are asked for one after the other.</summary>
internal sealed class ProcessMemory(IUpdatedProcess process)
{
    private const int PageSize = 4096, LongestString = 4096, MostTags = 4096;

    private readonly Dictionary<ulong, byte[]> _pages = [];

    internal byte[] Bytes(ulong address, int length)
    {
        var bytes = new byte[length];
        if (length > 0) process.Read(address, bytes);
        return bytes;
    }

    internal ulong Word(ulong address) => Read<ulong>(address);

    internal T Read<T>(ulong address) where T : unmanaged
    {
        Span<byte> bytes = stackalloc byte[Unsafe.SizeOf<T>()];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = Byte(address + (ulong)i);
        return MemoryMarshal.Read<T>(bytes);
    }

    /// <summary>Up to the first zero, and no more than 4 KiB.</summary>
    internal string String(ulong address)
    {
        if (address == 0) return "";
        List<byte> bytes = [];
        for (var at = address; bytes.Count < LongestString && Byte(at) is not 0 and var b; at++) bytes.Add(b);
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    /// <summary>A dynamic section, without its end.</summary>
    internal List<(long Tag, ulong Value)> Dynamic(ulong address)
    {
        List<(long, ulong)> tags = [];
        for (; address != 0 && tags.Count < MostTags && Read<LibElfEntry>(address) is { Tag: not 0 } entry; address += 16)
            tags.Add((entry.Tag, entry.Value));
        return tags;
    }

    private readonly record struct LibElfEntry(long Tag, ulong Value);

    private byte Byte(ulong address)
    {
        var page = address & ~(PageSize - 1ul);
        if (!_pages.TryGetValue(page, out var bytes)) _pages[page] = bytes = Bytes(page, PageSize);
        return bytes[(int)(address - page)];
    }
}
