using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>Tells data without a symbol from the gaps that alignment leaves, which hold zeros and no address.</summary>
internal sealed class UnnamedData(ElfFile file)
{
    private const ulong Word = 8;

    private readonly Lazy<HashSet<ulong>> _relocated = new(() => [.. file.DynamicRelocations.Select(r => r.Offset & ~(Word - 1))]);

    /// <summary>Whether something that may hold addresses begins at one: it is aligned as they are, and a number that is not zero, or an address,
    /// stands in front of another place.</summary>
    internal bool StandsAt(ulong address, ulong end)
    {
        if (address % Word != 0 || file.SectionAt(address) is not { IsZero: false } section) return false;
        end = Math.Min(end, section.End);
        for (var word = address; word < end; word += Word)
            if (_relocated.Value.Contains(word)) return true;
        return file.BytesOf(section)[(int)(address - section.Address)..(int)(end - section.Address)].ContainsAnyExcept((byte)0);
    }
}
