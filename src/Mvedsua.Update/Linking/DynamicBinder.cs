using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>Does what the dynamic linker does with the relocations that name a symbol.</summary>
/// <param name="libraries">Where imports are looked up.</param>
/// <param name="copies">Libraries' variables that live in an image.</param>
/// <param name="threadWord">The word that the dynamic linker made of such a relocation of a library's thread-local in the old version; null when the
/// old version has none.</param>
internal sealed class DynamicBinder(LoadedLibraries libraries, CopiedVariables copies, Func<RelocationType, string, ulong?> threadWord)
{
    /// <summary>The word that a relocation asks for; null when it asks for none, or for one that only code of the image knows.</summary>
    internal ulong? Value(ElfFile file, ElfRelocation relocation, ulong baseAddress, Func<ulong, ulong?> elsewhere)
    {
        var symbol = file.DynamicSymbols[relocation.Symbol];
        switch (relocation.Type)
        {
            case RelocationType.None or RelocationType.Copy or RelocationType.IRelative:
            case RelocationType.Word64 or RelocationType.GlobDat or RelocationType.JumpSlot when symbol is { IsDefined: true, Kind: SymbolKind.IndirectFunction }:
                return null;
            case RelocationType.JumpSlot when symbol.IsDefined:
                return baseAddress + symbol.Value; // only called, never compared
            case RelocationType.Word64 or RelocationType.GlobDat or RelocationType.JumpSlot:
                var addend = relocation.Type == RelocationType.Word64 ? relocation.Addend : 0;
                if (symbol.Section == ElfSymbol.Absolute) return unchecked(symbol.Value + (ulong)addend);
                return unchecked((ulong)addend + (symbol.IsDefined ? elsewhere(symbol.Value) ?? baseAddress + symbol.Value : Import(file, symbol)));
            case RelocationType.DtpMod64 when relocation.Symbol == 0 || symbol.IsDefined:
                return 1; // the program itself
            case RelocationType.DtpOff64 when symbol.IsDefined:
                return unchecked(symbol.Value + (ulong)relocation.Addend);
            case RelocationType.TpOff64 when relocation.Symbol == 0 || symbol.IsDefined:
                return unchecked(symbol.Value + (ulong)relocation.Addend - BlockSize(file));
            case RelocationType.DtpMod64 or RelocationType.DtpOff64 or RelocationType.TpOff64:
                return threadWord(relocation.Type, symbol.Name) ?? throw new UpdateRefusedException(
                    $"{file.Path} uses the thread-local {symbol.Name} of a library, which the old version does not: where it is can't be told");
            default:
                throw new UpdateRefusedException($"{file.Path}: the dynamic relocation of type {relocation.Type} at {relocation.Offset:x} can't be bound");
        }
    }

    /// <summary>The words that functions of the image choose, such as which of several implementations is used.</summary>
    internal static IEnumerable<(ulong Place, ulong Function)> Indirect(ElfFile file, ulong baseAddress)
    {
        foreach (var relocation in file.DynamicRelocations)
        {
            if (relocation.Type == RelocationType.IRelative) yield return (relocation.Offset, baseAddress + (ulong)relocation.Addend);
            else if (relocation.Type is RelocationType.Word64 or RelocationType.GlobDat or RelocationType.JumpSlot
                && file.DynamicSymbols[relocation.Symbol] is { IsDefined: true, Kind: SymbolKind.IndirectFunction } symbol)
                yield return (relocation.Offset, baseAddress + symbol.Value);
        }
    }

    private ulong Import(ElfFile file, ElfSymbol symbol) => libraries.Find(symbol.Name, symbol.Version) is { } found ? copies.PlaceOf(found)
        : (symbol.Binding == SymbolBinding.Weak ? 0ul : throw new UpdateRefusedException(
            $"{file.Path} needs {symbol.Name}{(symbol.Version is null ? "" : "@" + symbol.Version)}, which no library of the process has"));

    // The program's block ends at the thread pointer (variant II).
    private static ulong BlockSize(ElfFile file)
    {
        var block = file.ThreadLocals;
        if (block is null) return 0;
        var alignment = Math.Max(block.Alignment, 1);
        return (block.MemorySize + alignment - 1) / alignment * alignment;
    }
}
