namespace Mvedsua.Update.Matching;

/// <summary>The same function, variable or constant in both versions.</summary>
/// <param name="Old">In the old version.</param>
/// <param name="New">In the new version.</param>
public sealed record SymbolPair(ProgramSymbol Old, ProgramSymbol New)
{
    /// <summary>It takes another number of bytes. Says nothing of functions.</summary>
    public bool IsSizeChanged => Old.Class != SymbolClass.Function && Old.Symbol.Size != New.Symbol.Size;
}

/// <summary>Symbols that the tables alone can't tell apart, such as two statics of one name in functions of one file.</summary>
/// <param name="Old">Those of the old version.</param>
/// <param name="New">Those of the new version.</param>
public sealed record AmbiguousSymbols(IReadOnlyList<ProgramSymbol> Old, IReadOnlyList<ProgramSymbol> New);

/// <summary>What is the same in two versions, what came and what went. Immutable.</summary>
/// <param name="Pairs">In both.</param>
/// <param name="Added">Only in the new one.</param>
/// <param name="Removed">Only in the old one.</param>
/// <param name="Ambiguous">In both, but which is which isn't known.</param>
public sealed record SymbolMatch(
    IReadOnlyList<SymbolPair> Pairs, IReadOnlyList<ProgramSymbol> Added, IReadOnlyList<ProgramSymbol> Removed,
    IReadOnlyList<AmbiguousSymbols> Ambiguous)
{
    /// <summary>Those pairs that take another number of bytes.</summary>
    public IEnumerable<SymbolPair> SizeChanged => Pairs.Where(p => p.IsSizeChanged);
}
