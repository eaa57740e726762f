using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>Names of its own that a program looks up as it runs (dlsym). The dynamic linker knows those of the first version only: functions that
/// it has are found, their entries lead to the new code; what came later is not found, and a variable that has another place is found where
/// it was.</summary>
internal static class LookedUpNames
{
    private static readonly string[] _lookups = ["dlsym", "dlvsym"];

    /// <summary>Which names are looked up only the program knows: those that stand in it as a text may be.</summary>
    /// <exception cref="UpdateRefusedException">It may look up a name that would not be found, or at the wrong place.</exception>
    internal static void Check(LinkedImage old, ElfFile oldFile, ProgramSymbols @new, Bindings bindings, Constants constants)
    {
        var file = @new.File;
        if (!file.DynamicSymbols.Any(s => !s.IsDefined && _lookups.Contains(s.Name))) return;
        var known = Exported(oldFile);
        var unknown = Exported(file);
        unknown.IntersectWith(@new.All.Where(s => s.IsExported && s.Class != SymbolClass.ThreadLocal && !(known.Contains(s.Name) && IsInFirst(s))).Select(s => s.Name));
        if (unknown.Count == 0 || constants.Texts().FirstOrDefault(unknown.Contains) is not { } name) return;
        throw new UpdateRefusedException($"{file.Path} looks up names as it runs (dlsym) and may look up its own {name}, which stands in it as a text: "
            + (known.Contains(name) ? "it would be found where it was in the first version" : "it would not be found, since the dynamic linker knows the names of the first version only")
            + ". Name it in the code, or in a table, instead; if it is not looked up, do not export it (static, or hidden visibility)");

        bool IsInFirst(ProgramSymbol symbol) =>
            (symbol.Class == SymbolClass.Function ? bindings.Function(symbol.Symbol.Value, symbol.Symbol) : bindings.Data(symbol.Symbol.Value)) is { } address
            && address >= old.Images[0].Start && address < old.Images[0].End;
    }

    private static HashSet<string> Exported(ElfFile file) => [.. file.DynamicSymbols.Where(s => s is { IsDefined: true, IsHidden: false }).Select(s => s.Name)];
}
