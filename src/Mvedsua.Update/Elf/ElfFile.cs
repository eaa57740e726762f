using Mvedsua.Abi.Elf;

namespace Mvedsua.Update.Elf;

/// <summary>
/// A version's executable as the linker wrote it, read whole: headers, symbols, relocations. Addresses are virtual addresses as
/// linked (the image's base in a process is to be added). Immutable, so safe for concurrent use.
/// </summary>
public sealed class ElfFile
{
    private readonly byte[] _bytes;

    internal ElfFile(string path, byte[] bytes) => (Path, _bytes) = (path, bytes);

    /// <summary>The path that it was read from.</summary>
    public string Path { get; }

    /// <summary>Build id in hexadecimal; null when there is none.</summary>
    public string? BuildId { get; internal init; }

    /// <summary>The file's; null when it was read from memory.</summary>
    public FileStamp? Stamp { get; private set; }

    /// <summary>Where the program begins (e_entry).</summary>
    public ulong Entry { get; internal init; }

    /// <summary>A position-independent executable: not linked to a fixed address, and not a library.</summary>
    public bool IsPositionIndependentExecutable { get; internal init; }

    /// <summary>The program headers, in file order.</summary>
    public required IReadOnlyList<ElfSegment> Segments { get; init; }

    /// <summary>The section headers by their number.</summary>
    public required IReadOnlyList<ElfSection> Sections { get; init; }

    /// <summary>.symtab by number; empty in a stripped file.</summary>
    public IReadOnlyList<ElfSymbol> Symbols { get; internal init; } = [];

    /// <summary>.dynsym by number, with versions.</summary>
    public IReadOnlyList<ElfSymbol> DynamicSymbols { get; internal init; } = [];

    /// <summary>The dynamic section: tags (DT_*) and values.</summary>
    public IReadOnlyList<(long Tag, ulong Value)> Dynamic { get; internal init; } = [];

    /// <summary>Names of the libraries that it needs (DT_NEEDED).</summary>
    public IReadOnlyList<string> Needed { get; internal init; } = [];

    /// <summary>What the dynamic linker relocates, the PLT's and packed relative ones included; symbols are those of .dynsym.</summary>
    public IReadOnlyList<ElfRelocation> DynamicRelocations { get; internal init; } = [];

    /// <summary>What --emit-relocs kept, by the number of the loaded section that it concerns; symbols are those of .symtab.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<ElfRelocation>> StaticRelocations { get; internal init; } =
        new Dictionary<int, IReadOnlyList<ElfRelocation>>();

    /// <summary>PT_TLS: the template of thread-local variables; null when there are none.</summary>
    public ElfSegment? ThreadLocals => Segments.FirstOrDefault(s => s.Type == ElfLayout.ThreadLocal);

    /// <summary>PT_GNU_RELRO: what is read-only once it is relocated; null when nothing is.</summary>
    public ElfSegment? RelocatedReadOnly => Segments.FirstOrDefault(s => s.Type == ElfLayout.GnuRelro);

    /// <summary>First address of the image as linked, and the one behind its last.</summary>
    public (ulong Start, ulong End) Extent
    {
        get
        {
            var loads = Segments.Where(s => s.Type == ElfLayout.Load).ToArray();
            return (loads.Min(s => s.Address), loads.Max(s => s.End));
        }
    }

    /// <summary>The part of the file with those contents; empty for one that takes no bytes in it.</summary>
    public ReadOnlySpan<byte> BytesOf(ElfSection section) =>
        section.IsZero ? default : _bytes.AsSpan((int)section.Offset, (int)section.Size);

    /// <summary>The bytes of a segment that come from the file.</summary>
    public ReadOnlySpan<byte> BytesOf(ElfSegment segment) => _bytes.AsSpan((int)segment.Offset, (int)segment.FileSize);

    /// <summary>The loaded section that holds an address; null when none does. Not for thread-local templates.</summary>
    public ElfSection? SectionAt(ulong address)
    {
        foreach (var s in Sections)
            if (address >= s.Address && address - s.Address < s.Size && s.IsLoaded && !(s.IsThreadLocal && s.IsZero)) return s;
        return null;
    }

    /// <summary>Whether both files are the same build: the same build id or, without one, the same bytes.</summary>
    public bool IsSameAs(ElfFile other) =>
        BuildId is not null && other.BuildId is not null ? BuildId == other.BuildId : _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <summary>Reads a file that is to be a version's executable.</summary>
    /// <exception cref="UpdateRefusedException">It can't be read or isn't an x86-64 ELF program.</exception>
    public static ElfFile Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            FileStamp stamp = FileStamp.Of(stream.SafeFileHandle); /* first: what is written meanwhile changes it */
            if (stamp.Size > Array.MaxLength) throw new IOException("it is too large");
            byte[] bytes = new byte[stamp.Size];
            stream.ReadExactly(bytes);
            ElfFile file = Parse(path, bytes);
            file.Stamp = stamp;
            return file;
        }
        catch (ElfException e)
        {
            throw new UpdateRefusedException($"{path} can't be a version of the program: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UpdateRefusedException($"{path} can't be read: {e.Message}", e);
        }
    }

    /// <summary>Reads the bytes of a file.</summary>
    /// <exception cref="ElfException">They aren't an x86-64 ELF program or library, or are damaged.</exception>
    public static ElfFile Parse(string path, byte[] bytes) => new ElfParser(path, bytes).Parse();
}
