namespace Mvedsua.Update.Linking;

/// <summary>Finds room for an image near the others: the code of each must reach the data of all.</summary>
internal static class ImagePlace
{
    private const ulong PageSize = 4096, Reach = 1ul << 31, Guard = 16 * PageSize, Lowest = 1 << 20;

    /// <summary>The highest place below all images that is free and from which all of them are reached.</summary>
    /// <param name="mappings">What is mapped, in the order of addresses.</param>
    /// <param name="images">The images so far.</param>
    /// <param name="length">Bytes needed.</param>
    /// <param name="alignment">A power of two.</param>
    /// <exception cref="UpdateRefusedException">There is none.</exception>
    internal static ulong Find(IReadOnlyList<Mapping> mappings, IReadOnlyList<ImageRange> images, ulong length, ulong alignment)
    {
        var (low, high) = (images.Min(i => i.Start), images.Max(i => i.End));
        // Before the lowest image: the heap grows behind the first one.
        var below = low;
        for (var i = mappings.Count - 1; i >= -1; i--)
        {
            var floor = i >= 0 ? mappings[i].End : Lowest;
            if (floor >= below || (i >= 0 && mappings[i].Start >= low))
            {
                if (i >= 0) below = Math.Min(below, mappings[i].Start);
                continue;
            }

            if (below > floor + length + (2 * Guard) + alignment)
            {
                var place = (below - Guard - length) & ~(alignment - 1);
                if (high - place >= Reach) break;
                if (place >= floor + Guard) return place;
            }

            below = i >= 0 ? mappings[i].Start : 0;
        }

        throw new UpdateRefusedException(
            $"there is no room of {length} bytes within 2 GiB below the program at {low:x}: too many updates, or memory mapped there");
    }
}
