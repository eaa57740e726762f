namespace Mvedsua.Update.Elf;

/// <summary>An entry of the program header table (elf(5), Elf64_Phdr).</summary>
/// <param name="Type">PT_*.</param>
/// <param name="Protection">p_flags, as mmap(2) spells it.</param>
/// <param name="Offset">In the file, in bytes.</param>
/// <param name="Address">Virtual address as linked.</param>
/// <param name="FileSize">Bytes that come from the file.</param>
/// <param name="MemorySize">Bytes in memory; what is behind the file's bytes is zero.</param>
/// <param name="Alignment">In bytes; a power of two, or 0.</param>
public sealed record ElfSegment(uint Type, MemoryProtection Protection, ulong Offset, ulong Address, ulong FileSize,
    ulong MemorySize, ulong Alignment)
{
    /// <summary>First address behind it.</summary>
    public ulong End => Address + MemorySize;
}

/// <summary>An entry of the section header table (elf(5), Elf64_Shdr).</summary>
/// <param name="Index">Its number.</param>
/// <param name="Name">Such as .text.</param>
/// <param name="Type">SHT_*.</param>
/// <param name="Flags">SHF_*.</param>
/// <param name="Address">Virtual address as linked; 0 when it isn't loaded.</param>
/// <param name="Offset">In the file, in bytes.</param>
/// <param name="Size">In bytes; SHT_NOBITS takes none in the file.</param>
/// <param name="Link">A section's number; of which depends on the type.</param>
/// <param name="Info">Depends on the type; for relocations the section that they change.</param>
/// <param name="EntrySize">Size of an entry in a table, in bytes.</param>
public sealed record ElfSection(int Index, string Name, uint Type, ulong Flags, ulong Address, ulong Offset, ulong Size,
    uint Link, uint Info, ulong EntrySize)
{
    private const ulong Write = 1, Alloc = 2, ExecInstr = 4, Tls = 0x400; // SHF_*

    /// <summary>Part of the memory image.</summary>
    public bool IsLoaded => (Flags & Alloc) != 0;

    /// <summary>Writable when the program starts (it may be made read-only after relocation).</summary>
    public bool IsWritable => (Flags & Write) != 0;

    /// <summary>Holds code.</summary>
    public bool IsCode => (Flags & ExecInstr) != 0;

    /// <summary>A thread-local template: addresses in it are not addresses of memory.</summary>
    public bool IsThreadLocal => (Flags & Tls) != 0;

    /// <summary>Takes no bytes in the file; zero in memory.</summary>
    public bool IsZero => Type == 8; // SHT_NOBITS

    /// <summary>First address behind it.</summary>
    public ulong End => Address + Size;
}

/// <summary>What a symbol stands for (STT_*).</summary>
public enum SymbolKind
{
    /// <summary>Not said: assembler labels, undefined names.</summary>
    None = 0,

    /// <summary>A variable or constant.</summary>
    Data = 1,

    /// <summary>Code.</summary>
    Function = 2,

    /// <summary>A section.</summary>
    Section = 3,

    /// <summary>The source file of the local symbols that follow.</summary>
    File = 4,

    /// <summary>Uninitialised common data.</summary>
    Common = 5,

    /// <summary>A thread-local variable; the value is an offset into the thread-local template.</summary>
    ThreadLocal = 6,

    /// <summary>A function that is called to find the one to use.</summary>
    IndirectFunction = 10,
}

/// <summary>Who may see a symbol (STB_*).</summary>
public enum SymbolBinding
{
    /// <summary>Its own source file.</summary>
    Local = 0,

    /// <summary>All.</summary>
    Global = 1,

    /// <summary>All; another definition is preferred, and an undefined one is null.</summary>
    Weak = 2,

    /// <summary>All, once in a process (STB_GNU_UNIQUE).</summary>
    Unique = 10,
}

/// <summary>An entry of a symbol table (elf(5), Elf64_Sym).</summary>
/// <param name="Index">Its number in its table.</param>
/// <param name="Name">Without version.</param>
/// <param name="Version">The version that it has or asks for; null when none.</param>
/// <param name="IsDefaultVersion">Of a definition: not hidden (@@ and not @), the one that new programs get.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Binding">Who may see it.</param>
/// <param name="IsHidden">STV_HIDDEN or STV_INTERNAL: not visible to other files of the process.</param>
/// <param name="Section">Number of its section; 0 undefined, <see cref="Absolute"/> and others above 0xff00 special.</param>
/// <param name="Value">Virtual address as linked; of thread-local ones the offset into the template.</param>
/// <param name="Size">In bytes; 0 when not said.</param>
public sealed record ElfSymbol(int Index, string Name, string? Version, bool IsDefaultVersion, SymbolKind Kind,
    SymbolBinding Binding, bool IsHidden, int Section, ulong Value, ulong Size)
{
    /// <summary>SHN_ABS: the value is a number and not an address.</summary>
    public const int Absolute = 0xfff1;

    /// <summary>Defined in this file, in one of its sections.</summary>
    public bool IsDefined => Section is > 0 and < 0xff00;

    /// <summary>Seen only by its own source file.</summary>
    public bool IsLocal => Binding == SymbolBinding.Local;

    /// <summary>First address behind it.</summary>
    public ulong End => Value + Size;
}

/// <summary>A relocation with addend (elf(5), Elf64_Rela).</summary>
/// <param name="Offset">Virtual address, as linked, of the bytes that it concerns.</param>
/// <param name="Type">R_X86_64_*.</param>
/// <param name="Symbol">Number of a symbol; 0 for none. In which table depends on where the relocation stands.</param>
/// <param name="Addend">Added to the symbol's value.</param>
public readonly record struct ElfRelocation(ulong Offset, RelocationType Type, int Symbol, long Addend);
