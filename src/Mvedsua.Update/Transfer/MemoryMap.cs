namespace Mvedsua.Update.Transfer;

/// <summary>What the process has mapped, for questions about addresses. Not safe for concurrent use.</summary>
internal sealed class MemoryMap(IReadOnlyList<Mapping> mappings)
{
    private readonly Mapping[] _mappings = [.. mappings];
    private Mapping _last; /* most questions are about the mapping of the one before */

    /// <summary>The mapping that holds an address; null when none does.</summary>
    internal Mapping? At(ulong address)
    {
        if (address - _last.Start < _last.End - _last.Start) return _last;
        int low = 0, high = _mappings.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (address < _mappings[middle].Start) high = middle - 1;
            else if (address >= _mappings[middle].End) low = middle + 1;
            else return _last = _mappings[middle];
        }
        return null;
    }

    /// <summary>Pieces of a range that can be read, in their order.</summary>
    internal IEnumerable<(ulong Start, ulong End)> Readable(ulong start, ulong end) => _mappings
        .SkipWhile(m => m.End <= start).TakeWhile(m => m.Start < end)
        .Where(m => m.Protection.HasFlag(MemoryProtection.Read) && m.Name is not ("[vvar]" or "[vvar_vclock]" or "[vsyscall]"))
        .Select(m => (Math.Max(start, m.Start), Math.Min(end, m.End)));

    /// <summary>Whether blocks of an allocator can stand there: private, writable, and no file's, stack's or the kernel's.</summary>
    internal static bool CanHoldBlocks(Mapping mapping) =>
        mapping is { IsShared: false, Offset: 0 } && mapping.Protection.HasFlag(MemoryProtection.Write)
            && (mapping.Name.Length == 0 || mapping.Name == "[heap]" || mapping.Name.StartsWith("[anon", StringComparison.Ordinal));

    /// <summary>For people: what an address lies in.</summary>
    internal string Describe(ulong address) => At(address) switch
    {
        null => "no memory at all",
        { Name: "[stack]" } => "a stack",
        { Name.Length: 0 } => "anonymous memory",
        { Name: var name } => name,
    };
}
