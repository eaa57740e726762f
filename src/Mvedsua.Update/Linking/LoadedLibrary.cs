using System.Runtime.InteropServices;
using Mvedsua.Abi.Elf;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>What a library that is loaded in a process defines.</summary>
internal sealed class LoadedLibrary
{
    internal readonly record struct Definition(ulong Address, SymbolKind Kind, string? Version, bool IsDefault);

    private const ulong MostBytes = 64 << 20;

    private readonly Dictionary<string, List<Definition>> _definitions = [];
    private readonly bool _hasVersions;
    private readonly ulong _base, _relocations, _relocationsSize;

    /// <param name="memory">The process's.</param>
    /// <param name="path">As the dynamic linker knows it.</param>
    /// <param name="baseAddress">What is added to addresses as linked.</param>
    /// <param name="dynamic">Address of its dynamic section.</param>
    internal LoadedLibrary(ProcessMemory memory, string path, ulong baseAddress, ulong dynamic)
    {
        (Path, _base) = (path, baseAddress);
        var tags = memory.Dynamic(dynamic);
        // The dynamic linker has relocated these in place, where it could write.
        ulong Address(long tag) => Value(tag) is var v && v != 0 && v < baseAddress ? v + baseAddress : v;
        ulong Value(long tag) => tags.Find(t => t.Tag == tag).Value;

        (_relocations, _relocationsSize) = (Address(ElfLayout.DtRela), Value(ElfLayout.DtRelaSize));
        try
        {
            var strings = memory.Bytes(Address(ElfLayout.DtStringTable), Bounded(Value(ElfLayout.DtStringSize)));
            if (tags.FindLast(t => t.Tag == 14) is { Tag: 14, Value: var soName }) SoName = ElfBytes.String(strings, soName, "names"); // DT_SONAME
            var count = CountSymbols(memory, Address(ElfLayout.DtGnuHash), Address(ElfLayout.DtHash));
            var symbols = MemoryMarshal.Cast<byte, ElfLayout.Symbol>(memory.Bytes(Address(ElfLayout.DtSymbolTable), Bounded(count * 24)));
            _hasVersions = Value(ElfLayout.DtVersionSymbols) != 0;
            var numbers = _hasVersions ? MemoryMarshal.Cast<byte, ushort>(memory.Bytes(Address(ElfLayout.DtVersionSymbols), Bounded(count * 2))) : default;
            Dictionary<int, string> versions = [];
            if (Value(ElfLayout.DtVersionDefinitions) != 0)
                AddVersions(memory, Address(ElfLayout.DtVersionDefinitions), Value(ElfLayout.DtVersionDefinitionCount), strings, versions);
            for (var i = 1; i < symbols.Length; i++)
            {
                ref readonly var s = ref symbols[i];
                var kind = (SymbolKind)(s.Info & 15);
                if (s.Section == 0 || s.Info >> 4 == 0 || kind == SymbolKind.ThreadLocal) continue;
                var number = i < numbers.Length ? numbers[i] : (ushort)1;
                var name = ElfBytes.String(strings, s.Name, "names");
                ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(_definitions, name, out _);
                (list ??= []).Add(new Definition(s.Section == ElfSymbol.Absolute ? s.Value : baseAddress + s.Value, kind,
                    versions.GetValueOrDefault(number & 0x7fff), (number & 0x8000) == 0));
            }
        }
        catch (ElfException e)
        {
            throw new UpdateRefusedException($"what {path} defines can't be read from the process: {e.Message}", e);
        }
    }

    internal string Path { get; }

    internal string? SoName { get; }

    /// <summary>As the dynamic linker chooses: the version asked for; of a library without versions the name; without one asked for, the
    /// default.</summary>
    internal Definition? Find(string name, string? version)
    {
        if (!_definitions.TryGetValue(name, out var list)) return null;
        foreach (var one in list)
        {
            if (version is null ? one.IsDefault : !_hasVersions || one.Version == version || (one.Version is null && one.IsDefault)) return one;
        }

        return null;
    }

    /// <summary>The words that the dynamic linker bound to a symbol of any library, and what they hold.</summary>
    internal IEnumerable<(ulong Slot, ulong Value)> VariableSlots(ProcessMemory memory)
    {
        if (_relocationsSize > MostBytes) yield break;
        var table = memory.Bytes(_relocations, (int)_relocationsSize);
        for (var at = 0; at + 24 <= table.Length; at += 24)
        {
            var relocation = MemoryMarshal.Read<ElfLayout.Relocation>(table.AsSpan(at));
            if ((RelocationType)(uint)relocation.Info is not (RelocationType.GlobDat or RelocationType.Word64)) continue;
            var slot = _base + relocation.Offset;
            yield return (slot, memory.Word(slot));
        }
    }

    private static int Bounded(ulong size) =>
        size <= MostBytes ? (int)size : throw ElfHeader.Corrupt($"a table has {size} bytes");

    private static void AddVersions(ProcessMemory memory, ulong at, ulong count, byte[] strings, Dictionary<int, string> versions)
    {
        for (ulong i = 0; i < Math.Min(count, 0x8000); i++)
        {
            var definition = memory.Read<ElfLayout.VersionDefinition>(at);
            if ((definition.Flags & 1) == 0) // VER_FLG_BASE
                versions[definition.Index & 0x7fff] = ElfBytes.String(strings, memory.Read<uint>(at + definition.Names), "versions");
            if (definition.Next == 0) return;
            at += definition.Next;
        }
    }

    /// <summary>No tag says how many symbols there are; the hash table does: its last chain ends with the last symbol.</summary>
    private static ulong CountSymbols(ProcessMemory memory, ulong gnuHash, ulong hash)
    {
        if (gnuHash == 0) return hash == 0 ? 0 : memory.Read<uint>(hash + 4); // nchain
        var buckets = memory.Read<uint>(gnuHash);
        var first = memory.Read<uint>(gnuHash + 4);
        var start = gnuHash + 16 + (memory.Read<uint>(gnuHash + 8) * 8ul);
        uint last = 0;
        foreach (var bucket in MemoryMarshal.Cast<byte, uint>(memory.Bytes(start, Bounded(buckets * 4ul)))) last = Math.Max(last, bucket);
        if (last < first) return first; // nothing but imports
        var chains = start + (buckets * 4ul);
        while ((memory.Read<uint>(chains + ((last - first) * 4ul)) & 1) == 0)
            if (++last - first > MostBytes / 24) throw ElfHeader.Corrupt("its hash table has no end");
        return last + 1ul;
    }
}
