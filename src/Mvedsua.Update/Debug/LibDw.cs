using System.Runtime.InteropServices;

namespace Mvedsua.Update.Debug;

/// <summary>The part of libdw (elfutils; elfutils/libdw.h, dwarf.h) that is used here. Every call is short, touches no
/// managed code and never blocks; the caller holds the file's lock, since a Dwarf handle is not safe for concurrent use.</summary>
internal static unsafe partial class LibDw
{
    internal const string Library = "libdw.so.1";

    internal const int Read = 0; // DWARF_C_READ

    [StructLayout(LayoutKind.Sequential)]
    internal struct Die // Dwarf_Die
    {
        internal void* Address, Unit, Abbreviation;
        internal long Padding;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Attribute // Dwarf_Attribute
    {
        internal uint Code;
        internal DwForm Form;
        internal byte* Value;
        internal void* Unit;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Operation // Dwarf_Op
    {
        internal DwOp Atom;
        internal ulong Number, Number2, Offset;
    }

    [LibraryImport(Library, EntryPoint = "dwarf_begin")]
    internal static partial nint Begin(int descriptor, int command);

    [LibraryImport(Library, EntryPoint = "dwarf_end")]
    internal static partial int End(nint dwarf);

    [LibraryImport(Library, EntryPoint = "dwarf_errmsg")]
    internal static partial nint ErrorMessage(int error);

    [LibraryImport(Library, EntryPoint = "dwarf_get_units")]
    internal static partial int GetUnits(nint dwarf, void* unit, void** next, ushort* version, byte* kind, Die* unitDie, Die* subDie);

    [LibraryImport(Library, EntryPoint = "dwarf_child"), SuppressGCTransition]
    internal static partial int Child(Die* die, Die* result);

    [LibraryImport(Library, EntryPoint = "dwarf_siblingof"), SuppressGCTransition]
    internal static partial int Sibling(Die* die, Die* result);

    [LibraryImport(Library, EntryPoint = "dwarf_tag"), SuppressGCTransition]
    internal static partial DwTag Tag(Die* die);

    [LibraryImport(Library, EntryPoint = "dwarf_dieoffset"), SuppressGCTransition]
    internal static partial ulong OffsetOf(Die* die);

    [LibraryImport(Library, EntryPoint = "dwarf_offdie"), SuppressGCTransition]
    internal static partial Die* AtOffset(nint dwarf, ulong offset, Die* result);

    [LibraryImport(Library, EntryPoint = "dwarf_attr"), SuppressGCTransition]
    internal static partial Attribute* GetAttribute(Die* die, DwAt name, Attribute* result);

    [LibraryImport(Library, EntryPoint = "dwarf_attr_integrate"), SuppressGCTransition]
    internal static partial Attribute* GetInherited(Die* die, DwAt name, Attribute* result);

    [LibraryImport(Library, EntryPoint = "dwarf_formudata"), SuppressGCTransition]
    internal static partial int Unsigned(Attribute* attribute, ulong* value);

    [LibraryImport(Library, EntryPoint = "dwarf_formsdata"), SuppressGCTransition]
    internal static partial int Signed(Attribute* attribute, long* value);

    [LibraryImport(Library, EntryPoint = "dwarf_formflag"), SuppressGCTransition]
    internal static partial int Flag(Attribute* attribute, byte* value);

    [LibraryImport(Library, EntryPoint = "dwarf_formstring"), SuppressGCTransition]
    internal static partial nint Text(Attribute* attribute);

    [LibraryImport(Library, EntryPoint = "dwarf_formref_die"), SuppressGCTransition]
    internal static partial Die* Reference(Attribute* attribute, Die* result);

    [LibraryImport(Library, EntryPoint = "dwarf_formaddr"), SuppressGCTransition]
    internal static partial int Address(Attribute* attribute, ulong* value);

    [LibraryImport(Library, EntryPoint = "dwarf_lowpc"), SuppressGCTransition]
    internal static partial int LowPc(Die* die, ulong* value);

    [LibraryImport(Library, EntryPoint = "dwarf_ranges"), SuppressGCTransition]
    internal static partial nint Ranges(Die* die, nint offset, ulong* start, ulong* from, ulong* to);

    [LibraryImport(Library, EntryPoint = "dwarf_getlocation")]
    internal static partial int Location(Attribute* attribute, Operation** operations, nuint* count);

    /// <summary>Where it is while execution stands at an address: how many expressions say so.</summary>
    [LibraryImport(Library, EntryPoint = "dwarf_getlocation_addr")]
    internal static partial int LocationAt(Attribute* attribute, ulong address, Operation** operations, nuint* lengths, nuint most);

    [LibraryImport(Library, EntryPoint = "dwarf_getlocation_attr")]
    internal static partial int LocationAttribute(Attribute* attribute, Operation* operation, Attribute* result);
}
