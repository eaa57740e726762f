using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>What a caller that knows types adds to an update.</summary>
public sealed record RelinkOptions
{
    /// <summary>Whether a variable or constant of equal size keeps its place; null: all do. One that doesn't gets a place in the new image,
    /// with the new version's initial value.</summary>
    public Func<SymbolPair, bool>? KeepsPlace { get; init; }

    /// <summary>What debug information says of the old version's symbols.</summary>
    public ISymbolFacts? OldFacts { get; init; }

    /// <summary>What debug information says of the new version's symbols.</summary>
    public ISymbolFacts? NewFacts { get; init; }

    /// <summary>Functions of the new version, by their address as linked, that are called once the state was carried over.</summary>
    public IReadOnlySet<ulong> Called { get; init; } = new HashSet<ulong>();
}

/// <summary>What an update of the image did.</summary>
/// <param name="Image">The new version in the process: what the next update starts from.</param>
/// <param name="Objects">Every variable and constant of the old version, and what became of it.</param>
/// <param name="RemovedFunctions">Functions that the new version does not have: a call through an old pointer traps.</param>
/// <param name="Rebound">References of the new image that lead to old places.</param>
public sealed record LinkResult(LinkedImage Image, IReadOnlyList<CarriedObject> Objects, IReadOnlyList<ProgramSymbol> RemovedFunctions, int Rebound);

/// <summary>
/// Links a new version into a process of the old one. Data stays where it is, and old function entries stay what pointers hold: the new
/// image is bound to them, so that nothing in heap, stacks or libraries has to be moved. <see cref="Prepare"/> needs the files
/// only, and refuses what they show; <see cref="Apply"/> changes a process, once. Not safe for concurrent use.
/// </summary>
public sealed class Relinker
{
    private readonly LinkedImage _old;
    private readonly ElfFile _oldFile, _newFile;
    private readonly ProgramSymbols _newSymbols;
    private readonly Bindings _bindings;
    private readonly ImageLinker _oldLinker, _newLinker;

    private Relinker(LinkedImage old, ElfFile oldFile, ElfFile newFile, RelinkOptions options)
    {
        (_old, _oldFile, _newFile) = (old, oldFile, newFile);
        VersionChecks.Check(old, oldFile, newFile);
        _newSymbols = ProgramSymbols.Of(newFile, options.NewFacts);
        var oldSymbols = ProgramSymbols.Of(oldFile, options.OldFacts);
        Constructors.Check(oldSymbols, _newSymbols, options.Called);
        Match = SymbolMatcher.Match(oldSymbols, _newSymbols);
        VersionChecks.CheckThreadLocals(oldFile, newFile, Match);
        if (Match.Ambiguous.FirstOrDefault(a => a.Old[0].Class is SymbolClass.Data or SymbolClass.ThreadLocal) is { } ambiguous)
        {
            throw new UpdateRefusedException($"{newFile.Path}: which of the variables {string.Join(", ", ambiguous.New.Select(s => s.Symbol.Name))} ({ambiguous.New[0].Unit}) "
                + "is which of the old version's can't be told. Build both versions with -g, or give them different names");
        }

        var objects = new DataObjects(newFile);
        var functions = new Functions(newFile);
        var inPlace = Match.Pairs.Where(p => p.Old.Class is SymbolClass.Data or SymbolClass.ReadOnlyData && !p.IsSizeChanged
            && options.KeepsPlace?.Invoke(p) != false);
        _bindings = Placement.Make(old, oldFile, newFile, Match, objects, inPlace);
        var code = new CodeReferences(newFile, functions).Find();
        LookedUpNames.Check(old, oldFile, _newSymbols, _bindings, new Constants(newFile, code));
        _newLinker = new ImageLinker(newFile, objects, functions, code, _bindings,
            new EarlierConstants(old.Images, oldFile), options.NewFacts);
        // As it was linked: of its code only what tells where constants begin.
        var oldFunctions = new Functions(oldFile);
        _oldLinker = new ImageLinker(oldFile, new DataObjects(oldFile), oldFunctions,
            old.Images.Count == 1 ? [] : new CodeReferences(oldFile, oldFunctions).Find(), Bindings.Of(old, oldFile),
            new EarlierConstants([.. old.Images.SkipLast(1)], null), options.OldFacts);
    }

    /// <summary>What is the same in both versions.</summary>
    public SymbolMatch Match { get; }

    /// <summary>Finds out everything that the files show.</summary>
    /// <exception cref="UpdateRefusedException">The new version can't be linked into a process of the old one.</exception>
    public static Relinker Prepare(LinkedImage old, ElfFile oldFile, ElfFile newFile, RelinkOptions? options = null) =>
        new(old, oldFile, newFile, options ?? new RelinkOptions());

    /// <summary>Loads the new version into a process of the old one and makes it the one that runs.</summary>
    /// <exception cref="UpdateRefusedException">It can't be done. Unless the process itself failed, nothing was written.</exception>
    public LinkResult Apply(IUpdatedProcess process)
    {
        var libraries = new LoadedLibraries(process, _old.DynamicSection);
        CheckLibraries(libraries);
        var copies = new CopiedVariables(_old, libraries);
        var newCopies = copies.Plan(process, _newFile, _bindings);
        var binder = new DynamicBinder(libraries, copies, (type, name) => ThreadWord(process, type, name));
        var oldBytes = _oldLinker.Relocate(_old.Base, binder);
        foreach (var (place, function) in DynamicBinder.Indirect(_oldFile, _old.Base)) oldBytes.SetWord(place, process.Call(function, []));

        var baseAddress = ImageLoader.FindBase(process, _newFile, _old.Images);
        var newBytes = _newLinker.Relocate(baseAddress, binder);
        var oldText = new OldText(_old, _oldFile, _newFile, _bindings, baseAddress);
        var image = new LinkedImage
        {
            DynamicSection = _old.DynamicSection,
            ThreadLocalTemplate = _old.ThreadLocalTemplate,
            Images = [.. _old.Images, ImageRange.Of(_newFile, baseAddress)],
            Elsewhere = [.. Elsewhere()],
            Entries = oldText.Entries,
            Copies = [.. _old.Copies, .. newCopies.Select(c => c with { Address = baseAddress + c.Address })],
        };

        var unwinding = new UnwindTables(_newFile, baseAddress, libraries);

        ImageLoader.Load(process, _newFile, baseAddress, newBytes);
        copies.Write(process, baseAddress);
        unwinding.Register(process);
        ImageLoader.Choose(process, _newFile, baseAddress, newBytes);

        var values = new InitialValues(process, _old, _oldFile, oldBytes, image, _newFile, newBytes);
        var objects = values.Decide(Match);
        values.Write();
        WriteTemplate(process, newBytes);
        oldText.Write(process);
        return new LinkResult(image, objects, [.. Match.Removed.Where(s => s.Class == SymbolClass.Function)], _newLinker.Rebound);
    }

    /// <summary>All symbols that live in earlier images: those that were matched, other names of them, and marks of the linker.</summary>
    private IEnumerable<PlacedSymbol> Elsewhere()
    {
        var places = _bindings.Symbols.ToDictionary();
        foreach (var one in _newSymbols.All.Where(s => s.Class != SymbolClass.ThreadLocal))
        {
            var address = one.Class == SymbolClass.Function ? _bindings.Function(one.Symbol.Value, one.Symbol) : _bindings.Data(one.Symbol.Value);
            if (address is { } known) places[one.Symbol.Index] = known;
        }

        return places.OrderBy(p => p.Key).Select(p => new PlacedSymbol(p.Key, p.Value));
    }

    /// <summary>New threads' variables begin as in the new version; those of existing threads stay.</summary>
    private void WriteTemplate(IUpdatedProcess process, ImageBytes newBytes)
    {
        if (_newFile.ThreadLocals is not { } template || _oldFile.ThreadLocals is not { } before) return;
        var bytes = new byte[before.FileSize];
        newBytes.Copy(template.Address, (int)template.FileSize).CopyTo(bytes, 0);
        if (bytes.Length > 0) process.Write(_old.ThreadLocalTemplate, bytes);
    }

    private void CheckLibraries(LoadedLibraries libraries)
    {
        foreach (var needed in _newFile.Needed)
        {
            if (!libraries.All.Any(l => l.SoName == needed || l.Path == needed || Path.GetFileName(l.Path) == needed))
                throw new UpdateRefusedException($"{_newFile.Path} needs {needed}, which the old version did not load");
        }
    }

    private ulong? ThreadWord(IUpdatedProcess process, RelocationType type, string name)
    {
        foreach (var relocation in _oldFile.DynamicRelocations)
        {
            if (relocation.Type != type || _oldFile.DynamicSymbols[relocation.Symbol] is not { IsDefined: false } symbol || symbol.Name != name) continue;
            return new ProcessMemory(process).Word(_old.Base + relocation.Offset);
        }

        return null;
    }
}
