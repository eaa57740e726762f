using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>
/// Binds the references of one image: those that the linker resolved for good, and those that the dynamic linker would resolve. What
/// leads where is found out once, from the file alone; the addresses follow when the image's base is known.
/// </summary>
internal sealed class ImageLinker
{
    /// <summary>A value to be set: the distance from an anchor in the image to an address elsewhere.</summary>
    private readonly record struct Distance(ulong At, int Width, ulong Anchor, ulong Address);

    private readonly ElfFile _file;
    private readonly Functions _functions;
    private readonly TargetResolver _resolver;
    private readonly List<Distance> _distances = [];
    private readonly Dictionary<ulong, ulong?> _words = []; // what RELATIVE relocations are bound to, by place

    internal ImageLinker(ElfFile file, DataObjects objects, Functions functions, IReadOnlyList<CodeReference> code, Bindings bindings,
        EarlierConstants earlier, ISymbolFacts? facts)
    {
        (_file, _functions) = (file, functions);
        _resolver = new TargetResolver(file, objects, functions, bindings, new Constants(file, code), earlier, facts);
        Resolve(code);
    }

    /// <summary>References that lead to another image.</summary>
    internal int Rebound => _distances.Count + _words.Values.Count(w => w is not null);

    /// <summary>The image's bytes at a base, all references bound but those that code of the image has to be asked for.</summary>
    /// <exception cref="UpdateRefusedException">Something can't be bound: a symbol that no library has, a distance that is too great.</exception>
    internal ImageBytes Relocate(ulong baseAddress, DynamicBinder binder)
    {
        var image = new ImageBytes(_file);
        foreach (var (at, width, anchor, address) in _distances)
        {
            var value = unchecked((long)(address - (anchor + baseAddress)));
            if (width == 8) image.SetWord(at, (ulong)value);
            else if (value == (int)value) BitConverter.TryWriteBytes(image.At(at, 4), (int)value);
            else
            {
                throw new UpdateRefusedException(
                    $"{_file.Path}: {_functions.NameAt(at)} can't reach {address:x} from {anchor + baseAddress:x}: more than 2 GiB apart");
            }
        }

        foreach (var relocation in _file.DynamicRelocations)
        {
            var value = relocation.Type == RelocationType.Relative
                ? _words[relocation.Offset] ?? unchecked(baseAddress + (ulong)relocation.Addend)
                : binder.Value(_file, relocation, baseAddress, _resolver.Resolve);
            if (value is { } word) image.SetWord(relocation.Offset, word);
        }

        return image;
    }

    private void Resolve(IReadOnlyList<CodeReference> code)
    {
        Dictionary<ulong, ElfSymbol> slots = []; // of the global offset table: what they hold the address of
        foreach (var reference in code)
        {
            var symbol = _file.Symbols[reference.Relocation.Symbol];
            if (reference.Use == CodeUse.Branch) continue; // calls go straight to this version's code
            if (_file.SectionAt(reference.Target)?.Name is ".got" or ".got.plt")
            {
                if (symbol.Kind != SymbolKind.Section) slots[reference.Target] = symbol;
                continue;
            }

            var use = reference.Use == CodeUse.Address ? TargetUse.Taken : TargetUse.Access;
            var bound = reference.Relocation.Symbol == 0
                ? _resolver.Resolve(reference.Target)
                : _resolver.Resolve(symbol, new Reference(reference.Target, use, () => Follow(reference), () => _functions.NameAt(reference.At), _functions.StartOf(reference.At)));
            if (bound is { } address)
                _distances.Add(new Distance(reference.At, reference.Width, reference.Anchor, address));
        }

        ResolveData();
        ResolveWords(slots);
    }

    private PointerUse Follow(CodeReference reference)
    {
        var section = _file.SectionAt(reference.Instruction)!;
        var end = _functions.Next(reference.Instruction, section);
        return PointerUses.After(
            _file.BytesOf(section)[(int)(reference.Instruction - section.Address)..(int)(end - section.Address)].ToArray(), reference.Instruction);
    }

    /// <summary>Distances that stand in data: tables of jumps, which stay as they are, and seldom others.</summary>
    private void ResolveData()
    {
        foreach (var (index, relocations) in _file.StaticRelocations)
        {
            var section = _file.Sections[index];
            // Unwind tables describe this image's own code.
            if (section.IsCode || section.Name is ".eh_frame" or ".gcc_except_table") continue;
            foreach (var relocation in relocations)
            {
                if (relocation.Type is not (RelocationType.Pc32 or RelocationType.Pc64)) continue;
                var symbol = _file.Symbols[relocation.Symbol];
                if (!symbol.IsDefined || _file.Sections[symbol.Section].IsCode) continue;
                var target = unchecked(symbol.Value + (ulong)relocation.Addend);
                if (_resolver.Resolve(symbol, new Reference(target, TargetUse.Stored, () => default, Where)) is not { } address) continue;
                if (symbol.Kind == SymbolKind.Section)
                {
                    throw new UpdateRefusedException($"{_file.Path}: {Where()} holds a distance to a local variable that stays at its old "
                        + "place; from where it is counted can't be told");
                }

                _distances.Add(new Distance(relocation.Offset, relocation.Type == RelocationType.Pc64 ? 8 : 4, relocation.Offset, address));

                string Where() => $"{section.Name} at {relocation.Offset:x}";
            }
        }
    }

    private void ResolveWords(Dictionary<ulong, ElfSymbol> slots)
    {
        Dictionary<ulong, ElfRelocation> kept = [];
        foreach (var relocation in _file.StaticRelocations.Values.SelectMany(r => r))
            if (relocation.Type == RelocationType.Word64) kept[relocation.Offset] = relocation;

        foreach (var relocation in _file.DynamicRelocations)
        {
            if (relocation.Type != RelocationType.Relative) continue;
            var target = (ulong)relocation.Addend;
            if (kept.TryGetValue(relocation.Offset, out var told) && _file.Symbols[told.Symbol] is { IsDefined: true } symbol
                && unchecked(symbol.Value + (ulong)told.Addend) == target)
            {
                _words[relocation.Offset] = _resolver.Resolve(symbol, new Reference(target, TargetUse.Stored, () => default,
                    () => $"the data at {relocation.Offset:x} ({_file.SectionAt(relocation.Offset)?.Name})"));
            }
            else if (slots.TryGetValue(relocation.Offset, out var slot) && slot.IsDefined && slot.Value == target)
            {
                _words[relocation.Offset] = _resolver.Resolve(slot, new Reference(target, TargetUse.Stored, () => default, () => slot.Name));
            }
            else
            {
                _words[relocation.Offset] = _resolver.Resolve(target);
            }
        }
    }
}
