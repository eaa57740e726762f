using System.Runtime.InteropServices;

namespace Mvedsua.Abi.Elf;

/// <summary>The part of libelf (elfutils; gelf.h, libelf.h) that is used here.</summary>
internal static unsafe partial class LibElf
{
    private const string Library = "libelf.so.1";

    internal const uint Current = 1; // EV_CURRENT

    internal enum Command
    {
        Read = 1, // ELF_C_READ: copies, so that a file truncated meanwhile is an error and not a SIGBUS
    }

    internal enum DataType
    {
        Dynamic = 2, // ELF_T_DYN
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct ProgramHeader // GElf_Phdr
    {
        internal uint Type, Flags;
        internal ulong Offset, VirtualAddress, PhysicalAddress, FileSize, MemorySize, Alignment;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct SectionHeader // GElf_Shdr
    {
        internal uint Name, Type;
        internal ulong Flags, Address, Offset, Size;
        internal uint Link, Info;
        internal ulong AddressAlign, EntrySize;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DynamicEntry // GElf_Dyn
    {
        internal long Tag;
        internal ulong Value;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Data // Elf_Data
    {
        internal byte* Buffer;
        internal int Type;
        internal uint Version;
        internal nuint Size;
        internal long Offset;
        internal nuint Alignment;
    }

    [LibraryImport(Library, EntryPoint = "elf_version")]
    internal static partial uint SetVersion(uint version);

    [LibraryImport(Library, EntryPoint = "elf_begin")]
    internal static partial nint Begin(int descriptor, Command command, nint archive);

    [LibraryImport(Library, EntryPoint = "elf_end")]
    internal static partial int End(nint elf);

    [LibraryImport(Library, EntryPoint = "elf_getphdrnum")]
    internal static partial int GetProgramHeaderCount(nint elf, out nuint count);

    [LibraryImport(Library, EntryPoint = "gelf_getphdr")]
    internal static partial ProgramHeader* GetProgramHeader(nint elf, int index, ProgramHeader* header);

    [LibraryImport(Library, EntryPoint = "elf_nextscn")]
    internal static partial nint NextSection(nint elf, nint section);

    [LibraryImport(Library, EntryPoint = "gelf_getshdr")]
    internal static partial SectionHeader* GetSectionHeader(nint section, SectionHeader* header);

    [LibraryImport(Library, EntryPoint = "elf_getshdrstrndx")]
    internal static partial int GetSectionNames(nint elf, out nuint index);

    [LibraryImport(Library, EntryPoint = "elf_strptr")]
    internal static partial byte* GetString(nint elf, nuint section, nuint offset);

    [LibraryImport(Library, EntryPoint = "elf_getdata_rawchunk")]
    internal static partial Data* GetChunk(nint elf, long offset, nuint size, DataType type);

    [LibraryImport(Library, EntryPoint = "gelf_getdyn")]
    internal static partial DynamicEntry* GetDynamic(Data* data, int index, DynamicEntry* entry);
}
