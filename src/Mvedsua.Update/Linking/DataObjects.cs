using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>A piece of a file's data that has a name, or several.</summary>
/// <param name="Start">First address, as linked.</param>
/// <param name="End">First address behind it.</param>
/// <param name="Section">Its section's number.</param>
/// <param name="IsReadOnly">Nothing writes to it once it is relocated.</param>
/// <param name="Symbol">Its largest symbol.</param>
/// <param name="IsLocal">Known only to its own source file when it was compiled: references to it name its section. All others are
/// named, also those that the linker made local because they are hidden.</param>
internal sealed record DataObject(ulong Start, ulong End, int Section, bool IsReadOnly, ElfSymbol Symbol, bool IsLocal);

/// <summary>The named pieces of a file's data by address.</summary>
internal sealed class DataObjects
{
    private readonly DataObject[] _all, _local;

    internal DataObjects(ElfFile file)
    {
        List<(ElfSymbol Symbol, bool IsReadOnly, bool IsLocal)> sized = [];
        var unit = "";
        foreach (var symbol in file.Symbols)
        {
            if (symbol.Kind == SymbolKind.File) unit = symbol.Name;
            // Tables of the compiler count too: they bound their neighbours.
            if (ProgramSymbols.ClassOf(file, symbol) is (SymbolClass.Data or SymbolClass.ReadOnlyData) and var kind)
                sized.Add((symbol, kind == SymbolClass.ReadOnlyData, symbol.IsLocal && unit.Length > 0));
        }

        _all = [.. sized.GroupBy(s => s.Symbol.Value).OrderBy(g => g.Key).Select(g =>
        {
            var (symbol, isReadOnly, _) = g.MaxBy(s => s.Symbol.Size);
            return new DataObject(g.Key, symbol.End, symbol.Section, isReadOnly, symbol, g.Any(s => s.IsLocal));
        })];
        _local = [.. _all.Where(o => o.IsLocal)];
    }

    internal IReadOnlyList<DataObject> All => _all;

    /// <summary>The object that holds an address; null when none does.</summary>
    internal DataObject? Holding(ulong address) => AtOrBefore(_all, address) is { } one && address < one.End ? one : null;

    /// <summary>The object that begins at just that address.</summary>
    internal DataObject? StartingAt(ulong address) => AtOrBefore(_all, address) is { } one && one.Start == address ? one : null;

    /// <summary>The local object of a section that begins at or last before an address; null when none does.</summary>
    internal DataObject? LocalAtOrBefore(ulong address, int section) =>
        AtOrBefore(_local, address) is { } one && one.Section == section ? one : null;

    /// <summary>The first local object of a section that begins behind an address; null when none does.</summary>
    internal DataObject? LocalAfter(ulong address, int section)
    {
        var at = CountUpTo(_local, address);
        return at < _local.Length && _local[at].Section == section ? _local[at] : null;
    }

    private static DataObject? AtOrBefore(DataObject[] objects, ulong address) =>
        CountUpTo(objects, address) is > 0 and var count ? objects[count - 1] : null;

    private static int CountUpTo(DataObject[] objects, ulong address)
    {
        int low = 0, high = objects.Length; // the first that begins behind it
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (objects[middle].Start <= address) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
