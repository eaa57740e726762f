using System.Text.RegularExpressions;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Matching;

/// <summary>
/// The functions, variables and constants of one version. Left out is what has no identity of its own across versions: labels, string
/// literals, tables that the compiler makes, parts and clones of functions (.cold, .part, .constprop, .isra), whose address nobody
/// holds because they can't be called as the function that they come from; and what the linker defines.
/// </summary>
public sealed partial class ProgramSymbols
{
    private ProgramSymbols(ElfFile file, List<ProgramSymbol> all) => (File, All) = (file, all);

    /// <summary>The file.</summary>
    public ElfFile File { get; }

    /// <summary>In the order of the symbol table.</summary>
    public IReadOnlyList<ProgramSymbol> All { get; }

    /// <summary>Reads them out of a file's symbol table.</summary>
    public static ProgramSymbols Of(ElfFile file, ISymbolFacts? facts = null)
    {
        List<ProgramSymbol> all = [];
        Dictionary<string, int> units = [];
        HashSet<(ulong, string, SymbolClass)> seen = [];
        var (unit, occurrence) = ("", 0);
        foreach (var symbol in file.Symbols)
        {
            if (symbol.Kind == SymbolKind.File)
            {
                unit = symbol.Name;
                occurrence = units.GetValueOrDefault(unit);
                units[unit] = occurrence + 1;
            }

            if (ClassOf(file, symbol) is not { } kind) continue;
            var isFunction = kind == SymbolClass.Function;
            if (symbol.IsLocal && (isFunction ? CloneName() : MadeName()).IsMatch(symbol.Name)) continue;
            var name = symbol.IsLocal && !isFunction ? Numbered().Replace(symbol.Name, "") : symbol.Name;
            // one name twice at an address: versions of one definition
            if (!symbol.IsLocal && !seen.Add((symbol.Value, name, kind))) continue;
            var owner = symbol.IsLocal && !isFunction ? facts?.OwnerOf(symbol) ?? "" : "";
            all.Add(symbol.IsLocal ? new ProgramSymbol(symbol, kind, name, unit, occurrence, owner)
                : new ProgramSymbol(symbol, kind, name, "", 0, owner));
        }

        return new ProgramSymbols(file, all);
    }

    /// <summary>What a symbol is; null for what is no function, variable or constant of the program.</summary>
    internal static SymbolClass? ClassOf(ElfFile file, ElfSymbol symbol)
    {
        if (!symbol.IsDefined) return null;
        var section = file.Sections[symbol.Section];
        if (!section.IsLoaded) return null;
        if (section.IsCode)
        {
            return symbol.Kind is SymbolKind.Function or SymbolKind.IndirectFunction
                || (symbol.Kind == SymbolKind.None && !symbol.IsLocal) ? SymbolClass.Function : null;
        }

        if (symbol.Kind == SymbolKind.ThreadLocal) return SymbolClass.ThreadLocal;
        // Without a size there is nothing to carry: marks of the linker and of assembler.
        if (symbol.Kind is not (SymbolKind.Data or SymbolKind.Common) || symbol.Size == 0) return null;
        return section.IsWritable && !IsRelocatedReadOnly(file, symbol.Value) ? SymbolClass.Data : SymbolClass.ReadOnlyData;
    }

    /// <summary>Made by the compiler: a table for a switch, the name of a function.</summary>
    internal static bool IsMadeByCompiler(ElfSymbol data) => data.IsLocal && MadeName().IsMatch(data.Name);

    /// <summary>__func__ and its kin.</summary>
    internal static bool IsNameOfFunction(ElfSymbol data) => IsMadeByCompiler(data) && data.Name.StartsWith("__", StringComparison.Ordinal);

    internal static bool IsRelocatedReadOnly(ElfFile file, ulong address) =>
        file.RelocatedReadOnly is { } region && address >= region.Address && address < region.End;

    [GeneratedRegex(@"\.(cold|part|constprop|isra|lto_priv)(\.|$)", RegexOptions.CultureInvariant)]
    private static partial Regex CloneName();

    // Tables of switches, parts of initialisers, the names of functions: numbered anew by each compilation.
    [GeneratedRegex(@"^(\.|CSWTCH\.|C\.\d|__func__\.|__FUNCTION__\.|__PRETTY_FUNCTION__\.)", RegexOptions.CultureInvariant)]
    private static partial Regex MadeName();

    [GeneratedRegex(@"(\.\d+)+$", RegexOptions.CultureInvariant)]
    private static partial Regex Numbered();
}
