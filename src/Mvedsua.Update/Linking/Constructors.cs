using System.Text.RegularExpressions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>Functions that the dynamic linker calls as a program starts. A new version's are not called: what they made in the old version is carried
/// over. One that the old version has not has made nothing.</summary>
internal static partial class Constructors
{
    /// <exception cref="UpdateRefusedException">The new version has one that the old version has not, and nobody calls it instead.</exception>
    internal static void Check(ProgramSymbols old, ProgramSymbols @new, IReadOnlySet<ulong> called)
    {
        var before = Of(old).Select(Identity).ToHashSet();
        if (Of(@new).FirstOrDefault(s => !called.Contains(s.Symbol.Value) && !before.Contains(Identity(s))) is { } one)
        {
            throw new UpdateRefusedException($"{@new.File.Path} has a constructor that the old version has not, which would not be run: {one}. "
                + $"Let the description have it called once the state is carried over ('call {one.Name}()'), or make what it makes elsewhere");
        }
    }

    // Of several names of one function each counts: any may be the one that both versions have.
    private static IEnumerable<ProgramSymbol> Of(ProgramSymbols program)
    {
        var entries = Entries(program.File).ToHashSet();
        return program.All.Where(s => s.Class == SymbolClass.Function && entries.Contains(s.Symbol.Value));
    }

    private static IEnumerable<ulong> Entries(ElfFile file) => file.Sections
        .Where(s => s.Type is ElfLayout.InitArray or ElfLayout.PreInitArray)
        .SelectMany(s => file.StaticRelocations.GetValueOrDefault(s.Index) ?? [])
        .Where(r => r.Type == RelocationType.Word64)
        .Select(r => unchecked(file.Symbols[r.Symbol].Value + (ulong)r.Addend))
        .Concat(file.Dynamic.Where(d => d.Tag == ElfLayout.DtInit).Select(d => d.Value));

    // What makes the static objects of a C++ source file is named after the first of its global names, and its priority if it has one
    // (gcc: _GLOBAL__sub_I_NAME, _GLOBAL__sub_I.00200_NAME). (A constructor may have moved to another file.)
    private static string Identity(ProgramSymbol symbol) => StaticObjects().Match(symbol.Name) is { Success: true } made
        ? $"static objects of {symbol.Unit}, {symbol.Occurrence}{made.Groups["priority"].Value}" : symbol.Name;

    [GeneratedRegex(@"^_GLOBAL__sub_I(?<priority>\.[0-9]+)?_")]
    private static partial Regex StaticObjects();
}
