using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>
/// Decides what of the new version lives at the old one's addresses: every function that both have (the old entry stays what pointers
/// hold), and every variable and constant that keeps its place.
/// </summary>
internal static class Placement
{
    internal static Bindings Make(LinkedImage old, ElfFile oldFile, ElfFile newFile, SymbolMatch match, DataObjects newObjects,
        IEnumerable<SymbolPair> carried)
    {
        var bindings = new Bindings();
        foreach (var pair in match.Pairs.Where(p => p.Old.Class == SymbolClass.Function))
        {
            // The address of an indirect function is that of its entry in the procedure table.
            if (pair.New.Symbol.Kind == SymbolKind.Function || pair.New.Symbol.Kind == SymbolKind.None)
                bindings.AddFunction(pair.New.Symbol, old.AddressOf(pair.Old.Symbol));
        }

        AddReturned(old, oldFile, match, bindings);
        AddData(old, newFile, carried, bindings);
        AddCopies(old, newFile, bindings);
        SectionTables.Add(old, oldFile, newFile, newObjects, bindings);
        return bindings;
    }

    /// <summary>A function that an earlier version had, and the last one not: pointers to its old entry become good again.</summary>
    private static void AddReturned(LinkedImage old, ElfFile oldFile, SymbolMatch match, Bindings bindings)
    {
        var inUse = old.Elsewhere.Where(p => oldFile.Sections[oldFile.Symbols[p.Index].Section].IsCode).Select(p => p.Address).ToHashSet();
        var gone = old.Entries.Where(e => !inUse.Contains(e.Address) && e.Jump != 0).ToLookup(e => (e.Unit, e.Name));
        foreach (var added in match.Added.Where(s => s.Class == SymbolClass.Function))
        {
            if (gone[(added.Unit, added.Name)].ToArray() is [var entry]) bindings.AddFunction(added.Symbol, entry.Address);
        }
    }

    /// <summary>Libraries' variables stay where the libraries were told they are.</summary>
    private static void AddCopies(LinkedImage old, ElfFile newFile, Bindings bindings)
    {
        foreach (var relocation in newFile.DynamicRelocations.Where(r => r.Type == RelocationType.Copy))
        {
            var name = newFile.DynamicSymbols[relocation.Symbol].Name;
            if (old.Copies.FirstOrDefault(c => c.Name == name) is not { } copy) continue;
            foreach (var symbol in newFile.Symbols.Where(s => s.IsDefined && s.Value == relocation.Offset && s.Size > 0 && s.Kind == SymbolKind.Data))
                bindings.AddData(symbol, copy.Address);
        }
    }

    private static void AddData(LinkedImage old, ElfFile newFile, IEnumerable<SymbolPair> carried, Bindings bindings)
    {
        var placed = carried.Select(p => (Pair: p, Address: old.AddressOf(p.Old.Symbol))).ToArray();
        // Equal constants may be one in the one version and two in the other.
        var split = placed.GroupBy(p => p.Address).Where(g => g.DistinctBy(p => p.Pair.New.Symbol.Value).Count() > 1).SelectMany(g => g);
        var merged = placed.GroupBy(p => p.Pair.New.Symbol.Value).Where(g => g.DistinctBy(p => p.Address).Count() > 1).SelectMany(g => g);
        HashSet<SymbolPair> unclear = [.. split.Concat(merged).Select(p => p.Pair)];
        if (unclear.FirstOrDefault(p => p.Old.Class == SymbolClass.Data) is { } variable)
            throw new UpdateRefusedException($"{newFile.Path}: {variable.New} shares its place with another variable in one version and not in the other");
        foreach (var (pair, address) in placed)
            if (!unclear.Contains(pair)) bindings.AddData(pair.New.Symbol, address);
    }
}
