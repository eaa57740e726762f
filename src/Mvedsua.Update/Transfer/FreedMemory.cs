namespace Mvedsua.Update.Transfer;

/// <summary>
/// Which parts of glibc's main heap were given back, from the chain of block headers (malloc/malloc.c). Small blocks that wait in a
/// thread's cache or a fast bin look as if they were in use.
/// Where the chain makes no sense, what follows counts as in use.
/// </summary>
internal sealed class FreedMemory
{
    private const ulong Flags = 7, PreviousInUse = 1, Header = 16, Smallest = 32;
    private const int Piece = 1 << 20;

    private readonly List<(ulong Start, ulong End)> _freed = [];
    private readonly byte[] _piece = new byte[Piece];
    private readonly IUpdatedProcess _process;
    private readonly Mapping _heap;
    private ulong _at = ulong.MaxValue;

    internal FreedMemory(IUpdatedProcess process, Mapping heap)
    {
        (_process, _heap) = (process, heap);
        var (block, size) = (heap.Start, 0ul);
        for (; block + Header <= heap.End; block += size)
        {
            size = Word(block + 8) & ~Flags;
            if (size < Smallest || (size & 15) != 0 || size > heap.End - block) return;
            /* The last block is the top: never given out yet, or given back. */
            var next = block + size;
            if (next + Header > heap.End || (Word(next + 8) & PreviousInUse) == 0) _freed.Add((block, next));
        }
    }

    /// <summary>Whether an address lies in memory that was given back.</summary>
    internal bool Holds(ulong address)
    {
        int low = 0, high = _freed.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (address < _freed[middle].Start) high = middle - 1;
            else if (address >= _freed[middle].End) low = middle + 1;
            else return true;
        }
        return false;
    }

    private ulong Word(ulong address)
    {
        if (address < _at || address + 8 > _at + Piece)
        {
            _at = address;
            _process.Read(_at, _piece.AsSpan(0, (int)Math.Min(Piece, _heap.End - _at)));
        }
        return BitConverter.ToUInt64(_piece, (int)(address - _at));
    }
}
