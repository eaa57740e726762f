using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>Tells data without a symbol from the gaps that alignment leaves, which hold zeros and no address.</summary>
internal sealed class UnnamedData(ElfFile file)
{
    /// <summary>So far from its beginning an initialiser has something in it: a number that is not zero, or an address.</summary>
    private const ulong Look = 16;

    private readonly Lazy<HashSet<ulong>> _relocated = new(() => [.. file.DynamicRelocations.Select(r => r.Offset & ~7ul)]);

    /// <summary>Whether something stands at an address and in front of another one, which begins what has a name.</summary>
    internal bool StandsAt(ulong address, ulong end)
    {
        if (file.SectionAt(address) is not { IsZero: false } section) return false;
        end = Math.Min(Math.Min(end, section.End), address + Look);
        for (var word = address & ~7ul; word < end; word += 8)
            if (_relocated.Value.Contains(word)) return true;
        return file.BytesOf(section)[(int)(address - section.Address)..(int)(end - section.Address)].ContainsAnyExcept((byte)0);
    }
}
