using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Transfer;

/// <summary>Where the program's allocator stands in the process.</summary>
/// <param name="Malloc">malloc(3).</param>
/// <param name="Free">free(3).</param>
/// <param name="UsableSize">malloc_usable_size(3).</param>
public sealed record Allocator(ulong Malloc, ulong Free, ulong UsableSize)
{
    /// <summary>The one that the program's references are bound to.</summary>
    /// <exception cref="UpdateRefusedException">It can't be measured: no library has malloc_usable_size.</exception>
    public static Allocator Of(IUpdatedProcess process, LinkedImage image)
    {
        var libraries = new LoadedLibraries(process, image.DynamicSection);
        return new Allocator(Find("malloc"), Find("free"), Find("malloc_usable_size"));

        ulong Find(string name) => libraries.Find(name, null)
            ?? throw new UpdateRefusedException($"no library of the process defines {name}(), which state transfer needs");
    }
}

/// <summary>A block of the allocator's, seen from a pointer to it.</summary>
/// <param name="Usable">Bytes that may be used; 0: no block begins there.</param>
/// <param name="LeastAsked">The program asked for at least so many.</param>
/// <param name="IsFree">The block was given back.</param>
/// <param name="IsPageSized">It has a mapping of its own: what is behind the last element is zero.</param>
internal readonly record struct Block(ulong Usable, ulong LeastAsked, bool IsFree, bool IsPageSized = false);

/// <summary>Finds out about blocks.</summary>
internal interface IBlocks
{
    /// <summary>For each address the block that begins there.</summary>
    void Look(ReadOnlySpan<ulong> addresses, Span<Block> blocks);
}

/// <summary>
/// glibc's blocks, read from their headers (malloc/malloc.c: a word with size and flags before each block). A list of a million objects
/// would be a million calls one after the other;
/// this costs none. What was found is checked with malloc_usable_size before anything is changed.
/// </summary>
internal sealed class GlibcBlocks(Mirror mirror) : IBlocks
{
    private const ulong PreviousInUse = 1, IsMapped = 2, Flags = 7, Smallest = 32, Header = 8;

    public void Look(ReadOnlySpan<ulong> addresses, Span<Block> blocks)
    {
        for (var i = 0; i < addresses.Length; i++) blocks[i] = Look(addresses[i]);
    }

    private Block Look(ulong address)
    {
        if ((address & 15) != 0 || mirror.Map.At(address - 2 * Header) is not { } mapping || !MemoryMap.CanHoldBlocks(mapping)) return default;
        var word = mirror.ReadWord(address - Header);
        var size = word & ~Flags;
        if (size < Smallest || (size & 15) != 0 || size > mapping.End - (address - 2 * Header)) return default;
        if ((word & IsMapped) != 0)
        {
            /* A mapping of its own, from a page's beginning on but for the bytes that the word before tells. What was asked for isn't
               known to the page, but what is behind it
               is zero, as the kernel gave it: nothing there is taken for an element's pointer. */
            var isWhole = (address - 2 * Header - mirror.ReadWord(address - 2 * Header) & 4095) == 0;
            return isWhole ? new Block(size - 2 * Header, size - 2 * Header - 15, false, IsPageSized: true) : default;
        }

        var next = address - 2 * Header + size;
        if (next + 2 * Header > mapping.End) return default;
        var nextWord = mirror.ReadWord(next + Header);
        /* The word behind is the next block's header, or the end of the arena. */
        if ((nextWord & ~Flags) < 2 * Header || (nextWord & ~Flags & 15) != 0 || (nextWord & ~Flags) > 1ul << 40) return default;
        var room = size - Header;
        return new Block(room, room > 24 ? room - 15 : 1, (nextWord & PreviousInUse) == 0);
    }
}

/// <summary>Any allocator's blocks, by its malloc_usable_size.</summary>
internal sealed class CalledBlocks(IUpdatedProcess process, Allocator allocator, Mirror mirror) : IBlocks
{
    public void Look(ReadOnlySpan<ulong> addresses, Span<Block> blocks)
    {
        /* It may be asked of blocks only; a word in no allocator's memory, or at an odd place, is none. */
        var asked = new List<ulong>();
        foreach (var address in addresses)
            if (IsPossible(address)) asked.Add(address);
        var sizes = new ulong[asked.Count];
        process.CallMany(allocator.UsableSize, asked.ToArray(), 1, sizes);
        for (int i = 0, next = 0; i < addresses.Length; i++)
        {
            var usable = IsPossible(addresses[i]) ? sizes[next++] : 0;
            /* Size classes are at most a quarter apart. */
            blocks[i] = new Block(usable, Math.Max(1, usable - usable / 4), false);
        }
    }

    private bool IsPossible(ulong address) => (address & 7) == 0 && mirror.Map.At(address) is { } mapping && MemoryMap.CanHoldBlocks(mapping);
}
