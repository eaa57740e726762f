using System.Text;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>The constants of a file that have no symbol: string literals, tables of jumps.</summary>
internal sealed class Constants(ElfFile file, IReadOnlyList<CodeReference> code)
{
    private readonly Lazy<(HashSet<ulong> Places, ulong[] Starts)> _known = new(() =>
    {
        HashSet<ulong> places = [], starts = [];
        foreach (var relocation in file.StaticRelocations.Values.SelectMany(r => r))
        {
            places.Add(relocation.Offset);
            if (relocation.Type == RelocationType.Word64) starts.Add(unchecked(file.Symbols[relocation.Symbol].Value + (ulong)relocation.Addend));
        }

        starts.UnionWith(code.Select(c => c.Target));
        starts.UnionWith(file.Symbols.Where(s => s.IsDefined).Select(s => s.Value));
        return (places, [.. starts.Order()]);
    });

    /// <summary>The texts that code and data refer to, but for the functions' own names that the compiler notes (__func__).</summary>
    internal IEnumerable<string> Texts()
    {
        var made = file.Symbols.Where(s => s.IsDefined && ProgramSymbols.IsNameOfFunction(s)).Select(s => s.Value).ToHashSet();
        foreach (var address in _known.Value.Starts)
        {
            if (made.Contains(address) || file.SectionAt(address) is not { IsWritable: false, IsCode: false, IsZero: false } section) continue;
            var bytes = file.BytesOf(section)[(int)(address - section.Address)..];
            if (bytes.IndexOf((byte)0) is > 0 and var length) yield return Encoding.UTF8.GetString(bytes[..length]);
        }
    }

    /// <summary>Whether a table of jumps begins there: relocations are what it is made of.</summary>
    internal bool IsJumpTable(ulong address) => _known.Value.Places.Contains(address);

    /// <summary>The bytes from an address up to where anything else is known to begin; null when they aren't only bytes of a read-only
    /// section.</summary>
    internal byte[]? From(ulong address)
    {
        var (places, starts) = _known.Value;
        if (file.SectionAt(address) is not { IsWritable: false, IsCode: false, IsZero: false } section) return null;
        var next = Array.BinarySearch(starts, address);
        next = next < 0 ? ~next : next + 1;
        var end = next < starts.Length ? Math.Min(starts[next], section.End) : section.End;
        for (var at = address; at < end; at++)
            if (places.Contains(at)) return null;
        return file.BytesOf(section)[(int)(address - section.Address)..(int)(end - section.Address)].ToArray();
    }
}

/// <summary>The read-only data of earlier versions' images, as it stands in their files.</summary>
/// <param name="images">The images.</param>
/// <param name="last">The file of the last one, when it has been read already.</param>
internal sealed class EarlierConstants(IReadOnlyList<ImageRange> images, ElfFile? last)
{
    private readonly Dictionary<ImageRange, ElfFile?> _files = last is null ? [] : new() { [images[^1]] = last };

    /// <summary>Whether just these bytes stand at an address of the process. Not when the image's file can't be had any more.</summary>
    internal bool Hold(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (images.FirstOrDefault(i => address >= i.Start && address < i.End) is not { } image || FileOf(image) is not { } file) return false;
        var place = address - image.Base;
        if (file.SectionAt(place) is not { IsWritable: false, IsCode: false, IsZero: false } section || (ulong)bytes.Length > section.End - place) return false;
        var end = place + (ulong)bytes.Length;
        if (file.StaticRelocations.GetValueOrDefault(section.Index)?.Any(r => r.Offset >= place && r.Offset < end) == true) return false;
        return file.BytesOf(section).Slice((int)(place - section.Address), bytes.Length).SequenceEqual(bytes);
    }

    private ElfFile? FileOf(ImageRange image)
    {
        if (_files.TryGetValue(image, out var file)) return file;
        try
        {
            file = ElfFile.Read(image.Path);
        }
        catch (UpdateRefusedException)
        {
            file = null; // gone: nothing is known of it then
        }

        return _files[image] = file?.BuildId is { } id && id == image.BuildId ? file : null;
    }
}
