using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Transfer;

/// <summary>
/// The author's functions in the process: a shared object that is put there by hand, since a dlopen(3) would take descriptors from the
/// table that the copy shares with the leader. What it doesn't define
/// itself is looked up in the new version (also what that doesn't export) and then in the libraries. Constructors don't run; thread-locals
/// are refused.
/// </summary>
internal sealed class ConverterImage
{
    private readonly ElfFile _file;
    private readonly ulong _base;

    private ConverterImage(ElfFile file, ulong baseAddress) => (_file, _base) = (file, baseAddress);

    /// <summary>Loads it.</summary>
    /// <param name="file">The shared object, compiled of the author's file.</param>
    /// <param name="image">The new version in the process.</param>
    /// <param name="version">The new version's file.</param>
    /// <param name="process">The process.</param>
    /// <exception cref="UpdateRefusedException">It needs what neither the new version nor a library defines, or there is no room for
    /// it.</exception>
    internal static ConverterImage Load(ElfFile file, LinkedImage image, ElfFile version, IUpdatedProcess process)
    {
        var libraries = new LoadedLibraries(process, image.DynamicSection);
        var binder = new DynamicBinder(libraries, new CopiedVariables(image, libraries), (_, _) => null);
        var program = version.Symbols.Where(s => s is { IsDefined: true, IsLocal: false, Kind: not SymbolKind.ThreadLocal })
            .DistinctBy(s => s.Name).ToDictionary(s => s.Name);
        var baseAddress = ImageLoader.FindBase(process, file, image.Images);
        var bytes = new ImageBytes(file);
        foreach (var relocation in file.DynamicRelocations)
        {
            var symbol = file.DynamicSymbols[relocation.Symbol];
            ulong? word;
            if (relocation.Type == RelocationType.Relative) word = unchecked(baseAddress + (ulong)relocation.Addend);
            else if (!symbol.IsDefined && relocation.Type is RelocationType.Word64 or RelocationType.GlobDat or RelocationType.JumpSlot
                && program.TryGetValue(symbol.Name, out var own))
                word = unchecked(image.AddressOf(own) + (relocation.Type == RelocationType.Word64 ? (ulong)relocation.Addend : 0));
            else word = binder.Value(file, relocation, baseAddress, _ => null);
            if (word is { } value) bytes.SetWord(relocation.Offset, value);
        }

        ImageLoader.Load(process, file, baseAddress, bytes);
        ImageLoader.Choose(process, file, baseAddress, bytes);
        return new ConverterImage(file, baseAddress);
    }

    /// <summary>The address of one of its functions; which there are was checked when it was compiled.</summary>
    internal ulong AddressOf(string function) => _base + _file.DynamicSymbols.First(s => s.IsDefined && s.Name == function).Value;
}
