namespace Mvedsua.Update.Matching;

/// <summary>
/// Finds what is the same in two versions: exported symbols by their name, local ones by source file, name and the function that owns
/// them; functions, variables, constants and thread-locals apart. A name that occurs only once in either version is the same symbol
/// too when it became static or ceased to be.
/// </summary>
public static class SymbolMatcher
{
    private readonly record struct Key(SymbolClass Class, bool IsLocal, string Unit, int Occurrence, string Owner, string Name);

    /// <summary>Matches two versions.</summary>
    public static SymbolMatch Match(ProgramSymbols old, ProgramSymbols @new)
    {
        var files = new SourceFiles(old, @new);
        var oldByKey = old.All.ToLookup(s => KeyOf(s, s.Occurrence));
        var newByKey = @new.All.ToLookup(s => files.OldOccurrence(s.Unit, s.Occurrence) is { } o || !s.Symbol.IsLocal
            ? KeyOf(s, files.OldOccurrence(s.Unit, s.Occurrence) ?? 0)
            : KeyOf(s, -1 - s.Occurrence)); // of a file that the old version doesn't have

        List<SymbolPair> pairs = [];
        List<AmbiguousSymbols> ambiguous = [];
        foreach (var group in newByKey)
        {
            if (!oldByKey.Contains(group.Key)) continue;
            ProgramSymbol[] olds = [.. oldByKey[group.Key]], news = [.. group];
            if (olds.Length == 1 && news.Length == 1) pairs.Add(new SymbolPair(olds[0], news[0]));
            else ambiguous.Add(new AmbiguousSymbols(olds, news));
        }

        var removed = oldByKey.Where(g => !newByKey.Contains(g.Key)).SelectMany(g => g).ToList();
        var added = newByKey.Where(g => !oldByKey.Contains(g.Key)).SelectMany(g => g).ToList();
        PairChangedLinkage(old, @new, removed, added, pairs);
        return new SymbolMatch(pairs, added, removed, ambiguous);
    }

    private static Key KeyOf(ProgramSymbol s, int occurrence) =>
        s.Symbol.IsLocal ? new Key(s.Class, true, s.Unit, occurrence, s.Owner, s.Name) : new Key(s.Class, false, "", 0, "", s.Name);

    private static void PairChangedLinkage(ProgramSymbols old, ProgramSymbols @new, List<ProgramSymbol> removed,
        List<ProgramSymbol> added, List<SymbolPair> pairs)
    {
        var oldNames = old.All.ToLookup(s => (s.Class, s.Name));
        var newNames = @new.All.ToLookup(s => (s.Class, s.Name));
        foreach (var n in added.ToArray())
        {
            if (newNames[(n.Class, n.Name)].Count() != 1 || oldNames[(n.Class, n.Name)].ToArray() is not [var o]) continue;
            if (o.Symbol.IsLocal == n.Symbol.IsLocal || o.Owner.Length + n.Owner.Length > 0) continue;
            pairs.Add(new SymbolPair(o, n));
            removed.Remove(o);
            added.Remove(n);
        }
    }
}
