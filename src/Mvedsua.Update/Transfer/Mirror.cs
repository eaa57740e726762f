using System.Buffers.Binary;
using System.Numerics;

namespace Mvedsua.Update.Transfer;

/// <summary>
/// The process's memory as far as it was looked at, read in pieces of 1 MiB, and written back by whole pages. What was read stays as it
/// was: after any call
/// in the process that may change memory, <see cref="Forget"/> is due. Not safe for concurrent use.
/// </summary>
internal sealed class Mirror(IUpdatedProcess process)
{
    private const int Piece = Pieces<Chunk>.Size, PageBits = 12, Page = 1 << PageBits;

    private sealed class Chunk
    {
        internal readonly byte[] Bytes = GC.AllocateUninitializedArray<byte>(Piece);
        internal readonly ulong[] Dirty = new ulong[Piece / Page / 64];
    }

    private readonly Pieces<Chunk> _chunks = new();

    /* Forgotten ones: memory that the system has given already is not asked for again. */
    private readonly Stack<Chunk> _spare = [];

    /// <summary>What was mapped when <see cref="Forget"/> was called last.</summary>
    internal MemoryMap Map { get; private set; } = new(process.Mappings);

    /// <summary>Drops all that was read.</summary>
    internal void Forget()
    {
        foreach (var (_, chunk) in _chunks.All)
        {
            Array.Clear(chunk.Dirty);
            _spare.Push(chunk);
        }
        _chunks.Clear();
        Map = new MemoryMap(process.Mappings);
    }

    /// <summary>Bytes of the process; unmapped ones are zero.</summary>
    /// <param name="address">Where.</param>
    /// <param name="length">How many.</param>
    /// <param name="scratch">Used, and made larger, when they stand in several pieces.</param>
    internal ReadOnlySpan<byte> Read(ulong address, int length, ref byte[] scratch)
    {
        var at = (int)(address & (Piece - 1));
        if (at + length <= Piece) return At(address).Bytes.AsSpan(at, length);
        if (scratch.Length < length) scratch = new byte[length];
        for (var done = 0; done < length;)
        {
            at = (int)((address + (ulong)done) & (Piece - 1));
            var part = Math.Min(length - done, Piece - at);
            At(address + (ulong)done).Bytes.AsSpan(at, part).CopyTo(scratch.AsSpan(done));
            done += part;
        }
        return scratch.AsSpan(0, length);
    }

    internal ulong ReadWord(ulong address)
    {
        var at = (int)(address & (Piece - 1));
        if (at + 8 <= Piece) return BinaryPrimitives.ReadUInt64LittleEndian(At(address).Bytes.AsSpan(at));
        byte[] scratch = [];
        return BinaryPrimitives.ReadUInt64LittleEndian(Read(address, 8, ref scratch));
    }

    /// <summary>Changes bytes; the process sees them after <see cref="Flush"/>.</summary>
    internal void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var at = (int)(address & (Piece - 1));
            var part = Math.Min(bytes.Length, Piece - at);
            var chunk = At(address);
            bytes[..part].CopyTo(chunk.Bytes.AsSpan(at));
            for (var page = at >> PageBits; page <= (at + part - 1) >> PageBits; page++) chunk.Dirty[page >> 6] |= 1ul << (page & 63);
            address += (ulong)part;
            bytes = bytes[part..];
        }
    }

    internal void WriteWord(ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Write(address, bytes);
    }

    /// <summary>Writes changed pages to the process, runs of them at once.</summary>
    /// <returns>How many pages.</returns>
    internal long Flush()
    {
        var pages = 0L;
        foreach (var (start, chunk) in _chunks.All)
        {
            var count = Piece / Page;
            for (var page = 0; page < count;)
            {
                if ((chunk.Dirty[page >> 6] >> (page & 63) & 1) == 0)
                {
                    /* The rest of the word, when nothing in it changed. */
                    page += chunk.Dirty[page >> 6] >> (page & 63) == 0 ? 64 - (page & 63)
                        : BitOperations.TrailingZeroCount(chunk.Dirty[page >> 6] >> (page & 63));
                    continue;
                }

                var first = page;
                while (page < count && (chunk.Dirty[page >> 6] >> (page & 63) & 1) != 0) page++;
                process.Write(start + (ulong)first * Page, chunk.Bytes.AsSpan(first * Page, (page - first) * Page));
                pages += page - first;
            }
            Array.Clear(chunk.Dirty);
        }
        return pages;
    }

    private Chunk At(ulong address)
    {
        if (_chunks.TryGet(address, out var chunk)) return chunk;
        if (!_spare.TryPop(out chunk)) chunk = new Chunk();
        var start = address & ~(Piece - 1ul);
        var filled = start;
        foreach (var (from, to) in Map.Readable(start, start + Piece))
        {
            chunk.Bytes.AsSpan((int)(filled - start), (int)(from - filled)).Clear();
            process.Read(from, chunk.Bytes.AsSpan((int)(from - start), (int)(to - from)));
            filled = to;
        }
        chunk.Bytes.AsSpan((int)(filled - start)).Clear();
        return _chunks.Add(address, chunk);
    }
}
