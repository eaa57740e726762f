using System.Buffers.Binary;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Update.Elf;

/// <summary>Reads an <see cref="ElfFile"/> out of bytes that nobody vouches for.</summary>
internal sealed class ElfParser(string path, byte[] all)
{
    private const int MostSections = 0xff00; // SHN_LORESERVE: beyond, numbers stand elsewhere; no linker makes so many

    private readonly ElfBytes _bytes = new(all);
    private ElfSegment[] _segments = [];
    private ElfSection[] _sections = [];

    internal ElfFile Parse()
    {
        var header = ElfHeader.Parse(all, all.Length);
        _segments = ReadSegments(header);
        _sections = ReadSections();
        var dynamic = ReadDynamic();
        var symbols = Find(ElfLayout.SymbolTable) is { } table ? ReadSymbols(table, []) : [];
        var dynamicSymbols = Find(ElfLayout.DynamicSymbols) is { } dynamicTable ? ReadSymbols(dynamicTable, ReadVersions()) : [];
        var isExecutable = _segments.Any(s => s.Type == ElfLayout.Interpreter)
            || dynamic.Any(d => d.Tag == ElfLayout.DtFlags1 && (d.Value & ElfLayout.PositionIndependentExecutable) != 0);
        return new ElfFile(path, all)
        {
            BuildId = ReadBuildId(),
            Entry = header.Entry,
            IsPositionIndependentExecutable = header.Type == ElfHeader.SharedObject && isExecutable,
            Segments = _segments,
            Sections = _sections,
            Symbols = symbols,
            DynamicSymbols = dynamicSymbols,
            Dynamic = dynamic,
            Needed = ReadNeeded(dynamic),
            DynamicRelocations = ReadDynamicRelocations(dynamic, dynamicSymbols.Length),
            StaticRelocations = ReadStaticRelocations(symbols.Length),
        };
    }

    private ElfSegment[] ReadSegments(ElfHeader header)
    {
        var start = BinaryPrimitives.ReadUInt64LittleEndian(all.AsSpan(32));
        var table = _bytes.Table<LibElf.ProgramHeader>(start, (ulong)header.ProgramHeaders * 56, "program header table");
        var segments = new ElfSegment[table.Length];
        for (var i = 0; i < table.Length; i++)
        {
            ref readonly var h = ref table[i];
            // PF_X, PF_W, PF_R are 1, 2, 4; PROT_* are the other way round
            var protection = ((h.Flags & 4) != 0 ? MemoryProtection.Read : 0) | ((h.Flags & 2) != 0 ? MemoryProtection.Write : 0)
                | ((h.Flags & 1) != 0 ? MemoryProtection.Execute : 0);
            segments[i] = new ElfSegment(h.Type, protection, h.Offset, h.VirtualAddress, h.FileSize, h.MemorySize, h.Alignment);
            if (h.Type is not (ElfLayout.Load or ElfLayout.ThreadLocal or ElfLayout.Dynamic or ElfLayout.GnuRelro
                or ElfLayout.Note or ElfLayout.GnuProperty)) continue;
            _ = _bytes.Slice(h.Offset, h.FileSize, $"segment {i}");
            if (h.FileSize > h.MemorySize && h.Type != ElfLayout.GnuRelro)
                throw ElfHeader.Corrupt($"its segment {i} is larger in the file than in memory");
            // The size of a process's whole image is bounded by what relative addressing reaches.
            if (h.MemorySize > int.MaxValue || h.VirtualAddress > (1ul << 47) - h.MemorySize)
                throw ElfHeader.Corrupt($"its segment {i} has an impossible address or size");
        }

        if (!segments.Any(s => s.Type == ElfLayout.Load)) throw ElfHeader.Corrupt("it has nothing to load");
        return segments;
    }

    private ElfSection[] ReadSections()
    {
        var start = BinaryPrimitives.ReadUInt64LittleEndian(all.AsSpan(40));
        var entrySize = BinaryPrimitives.ReadUInt16LittleEndian(all.AsSpan(58));
        var count = BinaryPrimitives.ReadUInt16LittleEndian(all.AsSpan(60));
        var names = BinaryPrimitives.ReadUInt16LittleEndian(all.AsSpan(62));
        if (count == 0) return [];
        if (entrySize != 64 || count >= MostSections || names >= count)
            throw ElfHeader.Corrupt($"its section header table has {count} entries of {entrySize} bytes");
        var table = _bytes.Table<LibElf.SectionHeader>(start, count * 64ul, "section header table");
        var strings = _bytes.Slice(table[names].Offset, table[names].Size, "section names");
        var sections = new ElfSection[count];
        for (var i = 0; i < count; i++)
        {
            ref readonly var h = ref table[i];
            var name = ElfBytes.String(strings, h.Name, "section names");
            sections[i] = new ElfSection(i, name, h.Type, h.Flags, h.Address, h.Offset, h.Size, h.Link, h.Info, h.EntrySize);
            if (h.Type is not (0 or 8)) _ = _bytes.Slice(h.Offset, h.Size, $"section {name}"); // SHT_NULL, SHT_NOBITS
            if (h.Address > 1ul << 47 || h.Size > 1ul << 47) throw ElfHeader.Corrupt($"its section {name} has an impossible address or size");
        }

        return sections;
    }

    private ElfSection? Find(uint type) => Array.Find(_sections, s => s.Type == type);

    private ReadOnlySpan<byte> Contents(ElfSection section) =>
        section.IsZero ? default : _bytes.Slice(section.Offset, section.Size, $"section {section.Name}");

    private ReadOnlySpan<byte> Linked(ElfSection section)
    {
        if (section.Link >= (uint)_sections.Length || _sections[section.Link].Type != ElfLayout.StringTable)
            throw ElfHeader.Corrupt($"its section {section.Name} has no names");
        return Contents(_sections[section.Link]);
    }

    private List<(long Tag, ulong Value)> ReadDynamic()
    {
        List<(long, ulong)> dynamic = [];
        if (Array.Find(_segments, s => s.Type == ElfLayout.Dynamic) is not { } segment) return dynamic;
        foreach (var entry in _bytes.Table<LibElf.DynamicEntry>(segment.Offset, segment.FileSize & ~15ul, "dynamic section"))
        {
            if (entry.Tag == 0) break; // DT_NULL
            dynamic.Add((entry.Tag, entry.Value));
        }

        return dynamic;
    }

    private List<string> ReadNeeded(List<(long Tag, ulong Value)> dynamic)
    {
        List<string> needed = [];
        if (Find(ElfLayout.DynamicSymbols) is not { } table) return needed;
        var strings = Linked(table);
        foreach (var (tag, value) in dynamic)
            if (tag == ElfLayout.DtNeeded) needed.Add(ElfBytes.String(strings, value, "dynamic section"));
        return needed;
    }

    private Dictionary<int, string> ReadVersions()
    {
        Dictionary<int, string> names = [];
        if (Find(ElfLayout.VersionDefinitions) is { } definitions)
            ElfVersions.AddDefinitions(names, Contents(definitions), Linked(definitions));
        if (Find(ElfLayout.VersionNeeds) is { } needs) ElfVersions.AddNeeds(names, Contents(needs), Linked(needs));
        return names;
    }

    private ElfSymbol[] ReadSymbols(ElfSection section, Dictionary<int, string> versions)
    {
        var table = _bytes.Table<ElfLayout.Symbol>(section.Offset, section.Size, $"section {section.Name}");
        var strings = Linked(section);
        var versionSection = section.Type == ElfLayout.DynamicSymbols ? Find(ElfLayout.VersionSymbols) : null;
        var numbers = versionSection is null ? default
            : _bytes.Table<ushort>(versionSection.Offset, versionSection.Size, "symbol versions");
        var symbols = new ElfSymbol[table.Length];
        for (var i = 0; i < table.Length; i++)
        {
            ref readonly var s = ref table[i];
            var name = ElfBytes.String(strings, s.Name, "symbol names");
            var number = i < numbers.Length ? numbers[i] : (ushort)1; // VER_NDX_GLOBAL
            var version = versions.GetValueOrDefault(number & 0x7fff);
            // In .symtab, ld writes the version behind the name.
            if (section.Type == ElfLayout.SymbolTable && name.IndexOf('@', 1 < name.Length ? 1 : 0) is > 0 and var mark)
                (name, version) = (name[..mark], name[mark..].TrimStart('@'));
            symbols[i] = new ElfSymbol(i, name, version, (number & 0x8000) == 0, (SymbolKind)(s.Info & 15), (SymbolBinding)(s.Info >> 4),
                (s.Other & 3) is 1 or 2, s.Section, s.Value, s.Size);
            if (symbols[i].IsDefined && (s.Section >= _sections.Length || s.Value > 1ul << 47 || s.Size > 1ul << 47))
                throw ElfHeader.Corrupt($"its symbol {name} has an impossible section, address or size");
        }

        return symbols;
    }

    private List<ElfRelocation> ReadDynamicRelocations(List<(long Tag, ulong Value)> dynamic, int symbols)
    {
        ulong Value(long tag) => dynamic.Find(d => d.Tag == tag).Value;

        List<ElfRelocation> relocations = [];
        if (Value(ElfLayout.DtRela) != 0) Add(ElfLayout.DtRela, ElfLayout.DtRelaSize);
        if (Value(ElfLayout.DtPltRelocations) != 0) Add(ElfLayout.DtPltRelocations, ElfLayout.DtPltRelSize);
        if (Value(ElfLayout.DtRelr) != 0)
            AddPacked(_bytes.Table<ulong>(FileOffset(Value(ElfLayout.DtRelr)), Value(ElfLayout.DtRelrSize), "packed relocations"), relocations);
        return relocations;

        void Add(long start, long size) => ElfParser.Add(relocations, _bytes.Table<ElfLayout.Relocation>(
            FileOffset(Value(start)), Value(size), "dynamic relocations"), symbols, "its dynamic relocations");
    }

    /// <summary>DT_RELR: an even word is an address, an odd one a bitmap of the 63 words behind; the addend stands in place.</summary>
    private void AddPacked(ReadOnlySpan<ulong> words, List<ElfRelocation> relocations)
    {
        ulong next = 0;
        foreach (var word in words)
        {
            if ((word & 1) == 0)
            {
                AddWord(word);
                next = word + 8;
                continue;
            }

            for (var bit = 0; bit < 63; bit++)
                if (((word >> (bit + 1)) & 1) != 0) AddWord(next + ((ulong)bit * 8));
            next += 63 * 8;
        }

        void AddWord(ulong at) => relocations.Add(new ElfRelocation(at, RelocationType.Relative, 0,
            BinaryPrimitives.ReadInt64LittleEndian(_bytes.Slice(FileOffset(at), 8, "packed relocations"))));
    }

    private Dictionary<int, IReadOnlyList<ElfRelocation>> ReadStaticRelocations(int symbols)
    {
        Dictionary<int, IReadOnlyList<ElfRelocation>> all = [];
        foreach (var section in _sections)
        {
            if (section.Type != ElfLayout.Rela || section.IsLoaded || section.Info >= (uint)_sections.Length) continue;
            var target = _sections[section.Info];
            if (!target.IsLoaded) continue; // debug information's
            if (section.Link >= (uint)_sections.Length || _sections[section.Link].Type != ElfLayout.SymbolTable)
                throw ElfHeader.Corrupt($"its section {section.Name} has no symbols");
            List<ElfRelocation> relocations = [];
            Add(relocations, _bytes.Table<ElfLayout.Relocation>(section.Offset, section.Size, $"section {section.Name}"), symbols,
                $"its section {section.Name}");
            all[target.Index] = all.TryGetValue(target.Index, out var others) ? [.. others, .. relocations] : relocations;
        }

        return all;
    }

    private static void Add(List<ElfRelocation> list, ReadOnlySpan<ElfLayout.Relocation> table, int symbols, string what)
    {
        list.EnsureCapacity(list.Count + table.Length);
        foreach (ref readonly var r in table)
        {
            var symbol = r.Info >> 32;
            if (symbol != 0 && symbol >= (ulong)symbols) throw ElfHeader.Corrupt($"{what} name a symbol that doesn't exist");
            list.Add(new ElfRelocation(r.Offset, (RelocationType)(uint)r.Info, (int)symbol, r.Addend));
        }
    }

    private string? ReadBuildId()
    {
        var notes = new ElfImage(path, isExecutable: true);
        foreach (var segment in _segments.Where(s => s.Type == ElfLayout.Note))
            ElfNotes.Read(notes, _bytes.Slice(segment.Offset, segment.FileSize, "notes"), segment.Alignment == 8);
        return notes.BuildId;
    }

    private ulong FileOffset(ulong address)
    {
        foreach (var s in _segments)
        {
            if (s.Type == ElfLayout.Load && address >= s.Address && address - s.Address < s.FileSize)
                return s.Offset + (address - s.Address);
        }

        throw ElfHeader.Corrupt("its dynamic section points outside the file");
    }
}
