using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mvedsua.Abi.Elf;

/// <summary>Reads one file through libelf into an <see cref="ElfImage"/>; every offset is checked before libelf sees it.</summary>
internal sealed unsafe class ElfReader : IDisposable
{
    private const uint Load = 1, DynamicSegment = 2, InterpreterSegment = 3, NoteSegment = 4; // PT_*
    private const uint GnuProperty = 0x6474e553; // PT_GNU_PROPERTY
    private const ulong ExecutableSection = 4; // SHF_EXECINSTR
    private const uint ExecutableSegment = 1; // PF_X
    private const uint NoBits = 8; // SHT_NOBITS

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly long _size;
    private readonly nint _elf;
    private readonly ElfHeader _header;
    private readonly List<LibElf.ProgramHeader> _segments = [];

    internal ElfReader(string path, SafeFileHandle file)
    {
        (_path, _file) = (path, file);
        _size = RandomAccess.GetLength(file);
        var start = new byte[ElfHeader.Size];
        var read = RandomAccess.Read(file, start, 0);
        _header = ElfHeader.Parse(start.AsSpan(0, read), _size);
        _ = LibElf.SetVersion(LibElf.Current);
        _elf = LibElf.Begin((int)file.DangerousGetHandle(), LibElf.Command.Read, 0);
        if (_elf == 0) throw ElfHeader.Corrupt("libelf can't open it");
    }

    public void Dispose() => _ = LibElf.End(_elf);

    internal ElfImage Read(bool withCode)
    {
        var image = new ElfImage(_path, _header.Type == ElfHeader.Executable);
        ReadSegments();
        foreach (var segment in _segments)
        {
            switch (segment.Type)
            {
                case InterpreterSegment:
                    image.Interpreter = ReadInterpreter(segment);
                    break;
                case DynamicSegment:
                    image.IsDynamic = true;
                    ReadDynamic(image, segment);
                    break;
                case NoteSegment or GnuProperty:
                    ElfNotes.Read(image, Chunk(segment.Offset, segment.FileSize), segment.Alignment == 8);
                    break;
            }
        }

        var sections = ReadSections();
        // A Go program that was linked by the system's linker can lack the note, but not this section.
        if (sections.Any(s => s.Name is ".go.buildinfo" or ".gopclntab")) image.IsGo = true;
        if (withCode) image.Code = ReadCode(sections);
        return image;
    }

    private void ReadSegments()
    {
        if (LibElf.GetProgramHeaderCount(_elf, out var count) != 0 || count != (nuint)_header.ProgramHeaders)
            throw ElfHeader.Corrupt("its program headers can't be read");
        for (var i = 0; i < _header.ProgramHeaders; i++)
        {
            LibElf.ProgramHeader segment;
            if (LibElf.GetProgramHeader(_elf, i, &segment) == null)
                throw ElfHeader.Corrupt($"its program header {i} can't be read");
            var needed = segment.Type is Load or DynamicSegment or InterpreterSegment or NoteSegment or GnuProperty;
            if (needed && !Inside(segment.Offset, segment.FileSize))
                throw ElfHeader.Corrupt($"its segment {i} lies outside the file (is it truncated?)");
            if (segment.Type == Load && segment.FileSize > segment.MemorySize)
                throw ElfHeader.Corrupt($"its segment {i} is larger in the file than in memory");
            _segments.Add(segment);
        }

        if (!_segments.Exists(s => s.Type == Load)) throw ElfHeader.Corrupt("it has nothing to load");
    }

    private string ReadInterpreter(LibElf.ProgramHeader segment)
    {
        if (segment.FileSize is < 2 or > 4096) throw ElfHeader.Corrupt("its interpreter's name has an impossible length");
        var bytes = Chunk(segment.Offset, segment.FileSize);
        if (bytes[^1] != 0) throw ElfHeader.Corrupt("its interpreter's name has no end");
        return Encoding.UTF8.GetString(bytes.AsSpan(0, bytes.AsSpan().IndexOf((byte)0)));
    }

    private void ReadDynamic(ElfImage image, LibElf.ProgramHeader segment)
    {
        const int entrySize = 16;
        var data = LibElf.GetChunk(_elf, (long)segment.Offset, (nuint)segment.FileSize, LibElf.DataType.Dynamic);
        if (data == null) throw ElfHeader.Corrupt("its dynamic section can't be read");
        ulong strings = 0, stringsSize = 0;
        List<(long Tag, ulong Value)> named = [];
        for (var i = 0; i < (int)Math.Min(segment.FileSize / entrySize, 1 << 20); i++)
        {
            LibElf.DynamicEntry entry;
            if (LibElf.GetDynamic(data, i, &entry) == null || entry.Tag == 0) break; // DT_NULL
            switch (entry.Tag)
            {
                case 5: strings = entry.Value; break; // DT_STRTAB
                case 10: stringsSize = entry.Value; break; // DT_STRSZ
                case 1 or 14 or 15 or 29: named.Add((entry.Tag, entry.Value)); break; // NEEDED, SONAME, RPATH, RUNPATH
            }
        }

        if (named.Count == 0) return;
        var offset = FileOffset(strings);
        if (offset is null || !Inside(offset.Value, stringsSize)) throw ElfHeader.Corrupt("its dynamic strings lie outside the file");
        var table = Chunk(offset.Value, stringsSize);
        image.Needed = [.. named.Where(n => n.Tag == 1).Select(n => StringAt(table, n.Value))];
        image.SoName = Last(14);
        image.RPath = Last(15);
        image.RunPath = Last(29);

        string? Last(long tag)
        {
            var found = named.FindLast(n => n.Tag == tag);
            return found.Tag == 0 ? null : StringAt(table, found.Value);
        }
    }

    private List<(string Name, LibElf.SectionHeader Header)> ReadSections()
    {
        List<(string, LibElf.SectionHeader)> sections = [];
        if (LibElf.GetSectionNames(_elf, out var names) != 0) return sections;
        for (var section = LibElf.NextSection(_elf, 0); section != 0; section = LibElf.NextSection(_elf, section))
        {
            LibElf.SectionHeader header;
            if (LibElf.GetSectionHeader(section, &header) == null) break;
            var name = LibElf.GetString(_elf, names, header.Name);
            // strings from libelf are checked by it to end inside the table
            sections.Add((name == null ? "?" : System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)name) ?? "?", header));
        }

        return sections;
    }

    private List<ElfCode> ReadCode(List<(string Name, LibElf.SectionHeader Header)> sections)
    {
        List<ElfCode> code = [];
        foreach (var (name, header) in sections)
        {
            if ((header.Flags & ExecutableSection) == 0 || header.Type == NoBits || header.Size == 0) continue;
            if (!Inside(header.Offset, header.Size)) throw ElfHeader.Corrupt($"its section {name} lies outside the file");
            code.Add(new ElfCode(name, header.Address, Chunk(header.Offset, header.Size)));
        }

        if (code.Count > 0) return code;
        foreach (var segment in _segments.Where(s => s.Type == Load && (s.Flags & ExecutableSegment) != 0 && s.FileSize > 0))
            code.Add(new ElfCode("segment", segment.VirtualAddress, Chunk(segment.Offset, segment.FileSize)));
        return code;
    }

    private bool Inside(ulong offset, ulong size) => offset <= (ulong)_size && size <= (ulong)_size - offset;

    private ulong? FileOffset(ulong address)
    {
        foreach (var s in _segments)
        {
            if (s.Type == Load && address >= s.VirtualAddress && address - s.VirtualAddress < s.FileSize)
                return s.Offset + (address - s.VirtualAddress);
        }

        return null;
    }

    // A copy: libelf's own buffers go away with the handle.
    private byte[] Chunk(ulong offset, ulong size)
    {
        if (size > int.MaxValue) throw ElfHeader.Corrupt("one of its parts is larger than 2 GiB");
        var bytes = new byte[(int)size];
        for (var done = 0; done < bytes.Length;)
        {
            var read = RandomAccess.Read(_file, bytes.AsSpan(done), (long)offset + done);
            if (read == 0) throw ElfHeader.Corrupt("it was truncated while it was read");
            done += read;
        }

        return bytes;
    }

    private static string StringAt(byte[] table, ulong at)
    {
        var rest = at < (ulong)table.Length ? table.AsSpan((int)at) : default;
        var end = rest.IndexOf((byte)0);
        if (end < 0) throw ElfHeader.Corrupt("a name in its dynamic section has no end");
        return Encoding.UTF8.GetString(rest[..end]);
    }
}
