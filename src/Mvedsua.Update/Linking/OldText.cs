using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>
/// What becomes of the code of the version that is left: jumps to the new version at the entries of its functions, traps
/// everywhere else, so that code which goes on running by mistake is noticed at once. Procedure linkage tables stay: they only jump
/// through words that stay right.
/// </summary>
internal sealed class OldText
{
    private readonly List<(ulong Address, byte[] Bytes)> _writes = [];
    private readonly List<FunctionEntry> _entries = [];

    /// <summary>Entries that are left, in all images.</summary>
    internal IReadOnlyList<FunctionEntry> Entries => _entries;

    /// <param name="old">The version that is left.</param>
    /// <param name="oldFile">Its file.</param>
    /// <param name="newFile">The new version's file.</param>
    /// <param name="bindings">Which functions of the new version stand for which entries.</param>
    /// <param name="newBase">The new image's base.</param>
    internal OldText(LinkedImage old, ElfFile oldFile, ElfFile newFile, Bindings bindings, ulong newBase)
    {
        var functions = new Functions(oldFile);
        var targets = Targets(oldFile, newFile, bindings, functions, old);
        var own = ProgramSymbols.Of(oldFile).All
            .Where(s => s.Class == SymbolClass.Function && old.AddressOf(s.Symbol) == old.Base + s.Symbol.Value)
            .DistinctBy(s => s.Symbol.Value).ToLookup(s => s.Symbol.Section);
        foreach (var section in oldFile.Sections.Where(s => s is { IsLoaded: true, IsCode: true, IsZero: false, Size: > 0 }))
        {
            if (section.Name.StartsWith(".plt", StringComparison.Ordinal)) continue;
            PlanSection(section);
        }

        foreach (var entry in old.Entries) PlanEarlier(entry);

        void PlanSection(ElfSection section)
        {
            var text = new TextRoom(old.Base + section.Address, (int)section.Size);
            var all = own[section.Index].ToArray();
            foreach (var one in all) text.Reserve(old.Base + one.Symbol.Value, Math.Min(Room(one), TextRoom.JumpSize));
            foreach (var one in all)
            {
                var address = old.Base + one.Symbol.Value;
                var target = targets.GetValueOrDefault(address);
                var place = text.Place(address, Room(one));
                if (place is null && target is not null)
                {
                    if (SameCode(oldFile, one.Symbol, newFile, target) is not { } code)
                    {
                        throw new UpdateRefusedException($"{oldFile.Path}: {one} has {Room(one)} bytes and no free bytes near it for a jump to its new "
                            + "version, which is another. Compile with -falign-functions=16");
                    }

                    text.Keep(address, code);
                }

                if (place is { } at && target is not null) text.SetJump(at, newBase + target.Value);
                _entries.Add(new FunctionEntry(one.Unit, one.Name, address, place ?? 0));
            }

            _writes.Add((text.Start, text.Bytes.ToArray()));

            int Room(ProgramSymbol one) => (int)(functions.Next(one.Symbol.Value, section) - one.Symbol.Value);
        }

        void PlanEarlier(FunctionEntry entry)
        {
            _entries.Add(entry);
            var target = targets.GetValueOrDefault(entry.Address);
            if (entry.Jump != 0)
            {
                _writes.Add((entry.Jump,
                    target is null ? TextRoom.MakeTraps(TextRoom.JumpSize) : TextRoom.MakeJump(entry.Jump, newBase + target.Value)));
            }
            else if (target is not null && old.Elsewhere.FirstOrDefault(p => p.Address == entry.Address) is { } known
                && SameCode(oldFile, oldFile.Symbols[known.Index], newFile, target) is null)
            {
                throw new UpdateRefusedException($"the first version's {entry.Name}() has no room for a jump to its new version, which is another");
            }
        }
    }

    /// <summary>Writes all of it.</summary>
    internal void Write(IUpdatedProcess process)
    {
        foreach (var (address, bytes) in _writes) process.Write(address, bytes);
    }

    /// <summary>Which function of the new version each old entry leads to.</summary>
    private static Dictionary<ulong, ElfSymbol> Targets(ElfFile oldFile, ElfFile newFile, Bindings bindings, Functions oldFunctions, LinkedImage old)
    {
        Dictionary<ulong, ElfSymbol> targets = [];
        HashSet<ulong> split = [];
        foreach (var (index, address) in bindings.Symbols)
        {
            var symbol = newFile.Symbols[index];
            if (!newFile.Sections[symbol.Section].IsCode) continue;
            if (targets.TryGetValue(address, out var other) && other.Value != symbol.Value) split.Add(address);
            else targets[address] = symbol;
        }

        if (split.Count == 0) return targets;
        // Two functions that were one because they did the same: harmless unless a pointer to it can exist, which could mean either.
        var taken = new CodeReferences(oldFile, oldFunctions).Find().Where(r => r.Use == CodeUse.Address).Select(r => r.Target)
            .Concat(oldFile.DynamicRelocations.Where(r => r.Type == RelocationType.Relative).Select(r => (ulong)r.Addend)).ToHashSet();
        foreach (var address in split)
        {
            var here = oldFile.Symbols.Where(s => s.IsDefined && s.Kind == SymbolKind.Function && old.AddressOf(s) == address).ToArray();
            if (here.Any(s => taken.Contains(s.Value)))
            {
                throw new UpdateRefusedException($"{oldFile.Path}: {string.Join(" and ", here.Select(s => s.Name + "()").Distinct())} are one function, and two "
                    + "in the new version: which of them a pointer means can't be told. Compile with -fno-ipa-icf");
            }

            targets.Remove(address);
        }

        return targets;
    }

    /// <summary>A function's code, when it is the same in both versions and refers to nothing; else null.</summary>
    private static byte[]? SameCode(ElfFile oldFile, ElfSymbol one, ElfFile newFile, ElfSymbol other)
    {
        if (one.Size == 0 || one.Size != other.Size) return null;
        var (code, otherCode) = (CodeOf(oldFile, one), CodeOf(newFile, other));
        return code is not null && otherCode is not null && code.AsSpan().SequenceEqual(otherCode) ? code : null;
    }

    private static byte[]? CodeOf(ElfFile file, ElfSymbol function)
    {
        var section = file.Sections[function.Section];
        if (function.Value < section.Address || function.End > section.End) return null;
        if (file.StaticRelocations.GetValueOrDefault(section.Index)?.Any(r => r.Offset >= function.Value && r.Offset < function.End) == true) return null;
        return file.BytesOf(section)[(int)(function.Value - section.Address)..(int)(function.End - section.Address)].ToArray();
    }
}
