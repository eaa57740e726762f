using System.Buffers.Binary;
using System.Text;

namespace Mvedsua.Rewriter.Tests;

/// <summary>A range of addresses; the end is excluded.</summary>
public readonly record struct AddressRange(ulong Start, ulong End)
{
    public bool Contains(ulong address) => address >= Start && address < End;
}

/// <summary>A section or segment with its bytes.</summary>
public sealed record CodeBlock(string Name, ulong Address, ReadOnlyMemory<byte> Bytes)
{
    public ulong End => Address + (ulong)Bytes.Length;
    public bool Contains(ulong address) => address >= Address && address < End;
    public ReadOnlySpan<byte> From(ulong address) => Bytes.Span[(int)(address - Address)..];
}

/// <summary>
/// What the oracle reads from an ELF file: sections, symbols and .eh_frame, none of which the rewriter uses (it reads
/// program headers and .eh_frame_hdr).
/// </summary>
public sealed class ElfFile
{
    private const ulong ShfAlloc = 2, ShfExecute = 4;
    private readonly byte[] _file;

    public string Path { get; }
    public List<CodeBlock> ExecutableSections { get; } = [];
    public List<CodeBlock> ReadOnlySections { get; } = [];
    public List<CodeBlock> ExecutableSegments { get; } = [];

    /// <summary>Functions with unwind information, sorted.</summary>
    public List<AddressRange> Functions { get; } = [];

    /// <summary>Starts of functions by the symbol tables.</summary>
    public HashSet<ulong> FunctionSymbols { get; } = [];

    private ElfFile(string path, byte[] file)
    {
        Path = path;
        _file = file;
    }

    /// <summary>Null when the file isn't a 64-bit x86 ELF executable or library with section headers.</summary>
    public static ElfFile? Read(string path)
    {
        var file = File.ReadAllBytes(path);
        if (file.Length < 64 || BinaryPrimitives.ReadUInt32BigEndian(file) != 0x7f454c46 || file[4] != 2
            || BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(18)) != 62)
            return null;
        var elf = new ElfFile(path, file);
        elf.ReadSegments();
        elf.ReadSections();
        elf.Functions.Sort((a, b) => a.Start.CompareTo(b.Start));
        return elf.ExecutableSections.Count == 0 ? null : elf;
    }

    private ulong U64(ulong at) => BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan((int)at));
    private uint U32(ulong at) => BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan((int)at));
    private ushort U16(ulong at) => BinaryPrimitives.ReadUInt16LittleEndian(_file.AsSpan((int)at));

    private void ReadSegments()
    {
        ulong table = U64(32);
        for (uint i = 0; i < U16(56); i++)
        {
            ulong header = table + i * 56u;
            if (U32(header) != 1 || (U32(header + 4) & 1) == 0)
                continue;
            // The kernel maps whole pages: what the file holds around the segment is executable too.
            ulong offset = U64(header + 8) & ~0xffful, address = U64(header + 16) & ~0xffful;
            ulong end = Math.Min((U64(header + 8) + U64(header + 32) + 0xfff) & ~0xffful, (ulong)_file.Length);
            ExecutableSegments.Add(new CodeBlock("", address, _file.AsMemory((int)offset, (int)(end - offset))));
        }
    }

    private void ReadSections()
    {
        ulong table = U64(40), count = U16(60), names = U64(table + (ulong)U16(62) * 64 + 24);
        for (ulong i = 0; table != 0 && i < count; i++)
        {
            ulong header = table + i * 64;
            string name = Text(names + U32(header));
            uint type = U32(header + 4);
            ulong flags = U64(header + 8), address = U64(header + 16), offset = U64(header + 24), size = U64(header + 32);
            if (type is 2 or 11) // symbol tables, full and dynamic
                ReadSymbols(offset, size);
            if ((flags & ShfAlloc) == 0 || type == 8 || size == 0)
                continue;
            var block = new CodeBlock(name, address, _file.AsMemory((int)offset, (int)size));
            if ((flags & ShfExecute) != 0)
                ExecutableSections.Add(block);
            else if (name.StartsWith(".rodata", StringComparison.Ordinal))
                ReadOnlySections.Add(block);
            if (name == ".eh_frame")
                ReadFrames(block);
        }
    }

    private string Text(ulong at)
    {
        var rest = _file.AsSpan((int)at);
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
    }

    private void ReadSymbols(ulong offset, ulong size)
    {
        for (ulong at = offset; at + 24 <= offset + size; at += 24)
        {
            int type = _file[at + 4] & 15;
            if (type is 2 or 10 && U16(at + 6) != 0)
                FunctionSymbols.Add(U64(at + 8));
        }
    }

    private void ReadFrames(CodeBlock section)
    {
        var bytes = section.Bytes.Span;
        var encodings = new Dictionary<int, byte>();
        for (int at = 0; at + 4 <= bytes.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
            if (length == 0)
            {
                at += 4;
                continue;
            }
            int body = at + 4, cieOffset = BinaryPrimitives.ReadInt32LittleEndian(bytes[body..]);
            if (cieOffset == 0)
            {
                encodings[at] = PointerEncoding(bytes.Slice(body, length));
            }
            else if (encodings.TryGetValue(body - cieOffset, out byte encoding))
            {
                ulong here = section.Address + (ulong)body + 4;
                var (start, range) = encoding switch
                {
                    0x1b => (here + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(bytes[(body + 4)..]),
                        (ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes[(body + 8)..])),
                    0x1c => (here + BinaryPrimitives.ReadUInt64LittleEndian(bytes[(body + 4)..]),
                        BinaryPrimitives.ReadUInt64LittleEndian(bytes[(body + 12)..])),
                    _ => throw new NotSupportedException($"{Path}: pointer encoding {encoding:x}"),
                };
                Functions.Add(new AddressRange(start, start + range));
            }
            at = body + length;
        }
    }

    private static byte PointerEncoding(ReadOnlySpan<byte> cie)
    {
        var augmentation = Encoding.ASCII.GetString(cie[5..(5 + cie[5..].IndexOf((byte)0))]);
        int at = 5 + augmentation.Length + 1;
        Leb(cie, ref at);
        Leb(cie, ref at);
        Leb(cie, ref at); // return address register: a byte in version 1, and below 128
        Leb(cie, ref at); // size of the augmentation
        foreach (char letter in augmentation)
        {
            switch (letter)
            {
                case 'R':
                    return cie[at];
                case 'L':
                    at++;
                    break;
                case 'P':
                    at += 1 + ((cie[at] & 7) == 3 ? 4 : (cie[at] & 7) == 2 ? 2 : 8);
                    break;
            }
        }
        return 0;
    }

    private static void Leb(ReadOnlySpan<byte> bytes, ref int at)
    {
        while ((bytes[at++] & 0x80) != 0)
        {
        }
    }
}
