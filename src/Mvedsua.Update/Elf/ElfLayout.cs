using System.Runtime.InteropServices;

namespace Mvedsua.Update.Elf;

/// <summary>Structures of elf.h as they stand in a file, where libelf's views (Mvedsua.Abi) don't cover them.</summary>
internal static class ElfLayout
{
    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct Symbol // Elf64_Sym
    {
        internal readonly uint Name;
        internal readonly byte Info, Other;
        internal readonly ushort Section;
        internal readonly ulong Value, Size;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct Relocation // Elf64_Rela
    {
        internal readonly ulong Offset, Info;
        internal readonly long Addend;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct VersionDefinition // Elf64_Verdef
    {
        internal readonly ushort Version, Flags, Index, Count;
        internal readonly uint Hash, Names, Next;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct VersionNeed // Elf64_Verneed
    {
        internal readonly ushort Version, Count;
        internal readonly uint File, Entries, Next;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal readonly struct VersionNeedEntry // Elf64_Vernaux
    {
        internal readonly uint Hash;
        internal readonly ushort Flags, Index;
        internal readonly uint Name, Next;
    }

    internal const uint Load = 1, Dynamic = 2, Interpreter = 3, Note = 4, ThreadLocal = 7, GnuProperty = 0x6474e553,
        GnuRelro = 0x6474e552; // PT_*

    internal const uint SymbolTable = 2, StringTable = 3, Rela = 4, DynamicSymbols = 11, InitArray = 14, PreInitArray = 16, VersionSymbols = 0x6fffffff,
        VersionDefinitions = 0x6ffffffd, VersionNeeds = 0x6ffffffe; // SHT_*

    internal const long DtNeeded = 1, DtPltRelSize = 2, DtHash = 4, DtStringTable = 5, DtSymbolTable = 6, DtRela = 7, DtRelaSize = 8,
        DtStringSize = 10, DtInit = 12, DtDebug = 21, DtPltRelocations = 23, DtRelrSize = 35, DtRelr = 36, DtGnuHash = 0x6ffffef5,
        DtFlags1 = 0x6ffffffb, DtVersionSymbols = 0x6ffffff0, DtVersionDefinitions = 0x6ffffffc,
        DtVersionDefinitionCount = 0x6ffffffd; // DT_*

    internal const ulong PositionIndependentExecutable = 0x08000000; // DF_1_PIE
}
