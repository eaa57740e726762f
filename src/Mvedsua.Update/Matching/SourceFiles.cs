namespace Mvedsua.Update.Matching;

/// <summary>
/// Which source file of the new version is which of the old one. Symbol tables name files without their folders, so that a name can
/// occur more than once; then those belong together that define the most local names in common, and of equals the first.
/// </summary>
internal sealed class SourceFiles
{
    private readonly Dictionary<(string Unit, int Occurrence), int> _oldOccurrence = [];

    internal SourceFiles(ProgramSymbols old, ProgramSymbols @new)
    {
        var (oldNames, newNames) = (LocalNames(old), LocalNames(@new));
        foreach (var sameName in newNames.Keys.GroupBy(k => k.Unit))
        {
            var candidates = oldNames.Keys.Where(k => k.Unit == sameName.Key).ToArray();
            var ranked = from n in sameName
                         from o in candidates
                         let common = newNames[n].Count(oldNames[o].Contains)
                         where common > 0 || (candidates.Length == 1 && sameName.Count() == 1)
                         orderby common descending, n.Occurrence, o.Occurrence
                         select (New: n, Old: o);
            HashSet<(string, int)> taken = [];
            foreach (var (n, o) in ranked)
                if (!_oldOccurrence.ContainsKey(n) && taken.Add(o)) _oldOccurrence[n] = o.Occurrence;
        }
    }

    /// <summary>Which of the old files of that name a new one is; null when it is none of them.</summary>
    internal int? OldOccurrence(string unit, int occurrence) =>
        _oldOccurrence.TryGetValue((unit, occurrence), out var old) ? old : null;

    private static Dictionary<(string Unit, int Occurrence), HashSet<string>> LocalNames(ProgramSymbols symbols) =>
        symbols.All.Where(s => s.Symbol.IsLocal).GroupBy(s => (s.Unit, s.Occurrence))
            .ToDictionary(g => g.Key, g => g.Select(s => s.Name).ToHashSet(StringComparer.Ordinal));
}
