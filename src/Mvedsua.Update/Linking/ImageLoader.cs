using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>Puts an image into a process, as the system's loader would.</summary>
internal static class ImageLoader
{
    private const ulong PageSize = 4096;

    /// <summary>What is to be added to a file's addresses so that it stands near other images.</summary>
    /// <exception cref="UpdateRefusedException">There is no room.</exception>
    internal static ulong FindBase(IUpdatedProcess process, ElfFile file, IReadOnlyList<ImageRange> images)
    {
        var (start, end) = Pages(file.Extent.Start, file.Extent.End);
        var alignment = file.Segments.Where(s => s.Type == ElfLayout.Load).Max(s => Math.Max(s.Alignment, PageSize));
        var place = ImagePlace.Find(process.Mappings, images, end - start + (start & (alignment - 1)), alignment);
        return place + (start & (alignment - 1)) - start;
    }

    /// <summary>Maps the segments, writes their bytes and protects them.</summary>
    internal static void Load(IUpdatedProcess process, ElfFile file, ulong baseAddress, ImageBytes image)
    {
        var (start, end) = Pages(file.Extent.Start, file.Extent.End);
        process.Map(baseAddress + start, end - start, MemoryProtection.Read | MemoryProtection.Write);
        foreach (var (segment, bytes) in image.Segments)
            if (bytes.Length > 0) process.Write(baseAddress + segment.Address, bytes);

        var behind = start;
        foreach (var segment in file.Segments.Where(s => s.Type == ElfLayout.Load).OrderBy(s => s.Address))
        {
            var (first, last) = Pages(segment.Address, segment.End);
            if (first > behind) process.Protect(baseAddress + behind, first - behind, MemoryProtection.None);
            if (segment.Protection != (MemoryProtection.Read | MemoryProtection.Write))
                process.Protect(baseAddress + first, last - first, segment.Protection);
            behind = last;
        }

        if (file.RelocatedReadOnly is not { } region) return;
        // Whole pages only: the last one may hold variables too.
        var (from, to) = (region.Address & ~(PageSize - 1), region.End & ~(PageSize - 1));
        if (to > from) process.Protect(baseAddress + from, to - from, MemoryProtection.Read);
    }

    /// <summary>Which implementation a function of several has, its own code says: it runs in the image.</summary>
    internal static void Choose(IUpdatedProcess process, ElfFile file, ulong baseAddress, ImageBytes image)
    {
        foreach (var (place, function) in DynamicBinder.Indirect(file, baseAddress))
        {
            image.SetWord(place, process.Call(function, []));
            process.Write(baseAddress + place, image.At(place, 8));
        }
    }

    private static (ulong Start, ulong End) Pages(ulong start, ulong end) =>
        (start & ~(PageSize - 1), (end + PageSize - 1) & ~(PageSize - 1));
}
