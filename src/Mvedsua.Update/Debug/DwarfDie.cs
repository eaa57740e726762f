using System.Runtime.InteropServices;

namespace Mvedsua.Update.Debug;

/// <summary>One entry (DIE) of the debug information. Valid while its file is open; used under the file's lock.</summary>
internal unsafe struct DwarfDie
{
    internal LibDw.Die Raw;

    internal DwTag Tag
    {
        get
        {
            fixed (LibDw.Die* die = &Raw) return LibDw.Tag(die);
        }
    }

    /// <summary>Its place in .debug_info: its identity within the file.</summary>
    internal ulong Offset
    {
        get
        {
            fixed (LibDw.Die* die = &Raw) return LibDw.OffsetOf(die);
        }
    }

    internal bool TryChild(out DwarfDie child)
    {
        fixed (LibDw.Die* die = &Raw, result = &child.Raw) return LibDw.Child(die, result) == 0;
    }

    /// <summary>Moves on to the next entry of the same parent; false when there is none.</summary>
    internal bool MoveNext()
    {
        fixed (LibDw.Die* die = &Raw) return LibDw.Sibling(die, die) == 0;
    }

    internal bool Has(DwAt name)
    {
        LibDw.Attribute attribute;
        fixed (LibDw.Die* die = &Raw) return LibDw.GetAttribute(die, name, &attribute) != null;
    }

    internal bool Flag(DwAt name)
    {
        LibDw.Attribute attribute;
        byte value;
        fixed (LibDw.Die* die = &Raw)
            return LibDw.GetInherited(die, name, &attribute) != null && LibDw.Flag(&attribute, &value) == 0 && value != 0;
    }

    internal ulong? Unsigned(DwAt name)
    {
        LibDw.Attribute attribute;
        ulong value;
        fixed (LibDw.Die* die = &Raw)
            return LibDw.GetAttribute(die, name, &attribute) != null && LibDw.Unsigned(&attribute, &value) == 0 ? value : null;
    }

    internal ulong? Address(DwAt name)
    {
        LibDw.Attribute attribute;
        ulong value;
        fixed (LibDw.Die* die = &Raw)
            return LibDw.GetAttribute(die, name, &attribute) != null && LibDw.Address(&attribute, &value) == 0 ? value : null;
    }

    /// <summary>A constant, read as its form says: compilers write small positive ones without a sign.</summary>
    internal long? Constant(DwAt name)
    {
        LibDw.Attribute attribute;
        long signed;
        ulong value;
        fixed (LibDw.Die* die = &Raw)
        {
            if (LibDw.GetAttribute(die, name, &attribute) == null) return null;
            if (attribute.Form is DwForm.SignedData or DwForm.ImplicitConst)
                return LibDw.Signed(&attribute, &signed) == 0 ? signed : null;
            return LibDw.Unsigned(&attribute, &value) == 0 ? (long)value : null;
        }
    }

    /// <summary>The place of a text in the file; its own or, through specification and abstract origin, another's. 0: none.</summary>
    internal nint Text(DwAt name)
    {
        LibDw.Attribute attribute;
        fixed (LibDw.Die* die = &Raw) return LibDw.GetInherited(die, name, &attribute) == null ? 0 : LibDw.Text(&attribute);
    }

    internal bool TryReference(DwAt name, out DwarfDie target)
    {
        LibDw.Attribute attribute;
        fixed (LibDw.Die* die = &Raw, result = &target.Raw)
            return LibDw.GetInherited(die, name, &attribute) != null && LibDw.Reference(&attribute, result) != null;
    }

    /// <summary>Where a function begins; null: it has no code. One that was split (FUNCTION.cold) has ranges, the first of which is where
    /// it is entered.</summary>
    internal ulong? Entry
    {
        get
        {
            ulong value, start, end;
            fixed (LibDw.Die* die = &Raw)
            {
                if (LibDw.LowPc(die, &value) == 0) return value;
                return LibDw.Ranges(die, 0, &start, &value, &end) > 0 ? value : null;
            }
        }
    }

    /// <summary>How a place is found while execution stands at an address; null: it can't be, because it is not there or no longer.</summary>
    internal LibDw.Operation[]? PlaceAt(DwAt name, ulong at)
    {
        LibDw.Attribute attribute;
        LibDw.Operation* operations;
        nuint count;
        fixed (LibDw.Die* die = &Raw)
            if (LibDw.GetInherited(die, name, &attribute) == null) return null;
        if (LibDw.LocationAt(&attribute, at, &operations, &count, 1) != 1 || count == 0) return null;
        var all = new Span<LibDw.Operation>(operations, (int)count).ToArray();
        foreach (ref var operation in all.AsSpan()) Resolve(ref operation, &attribute);
        return all;
    }

    /// <summary>What an operation names by its place in the file is put in its place: an address, or the register of a value at the function's entry.</summary>
    private static void Resolve(ref LibDw.Operation operation, LibDw.Attribute* attribute)
    {
        LibDw.Attribute named;
        LibDw.Operation* inner = null;
        nuint count;
        ulong address;
        if (operation.Atom is not (DwOp.EntryValue or DwOp.GnuEntryValue or DwOp.AddressIndex or DwOp.GnuAddressIndex)) return;
        var isEntry = operation.Atom is DwOp.EntryValue or DwOp.GnuEntryValue;
        var isNamed = false;
        fixed (LibDw.Operation* raw = &operation) isNamed = LibDw.LocationAttribute(attribute, raw, &named) == 0;
        if (isEntry)
        {
            /* All others are values in memory at that time, which nobody has kept. */
            var isRegister = isNamed && LibDw.Location(&named, &inner, &count) == 0 && count == 1 && inner->Atom is >= DwOp.Register0 and <= DwOp.Register31;
            operation.Number = isRegister ? (ulong)(inner->Atom - DwOp.Register0) : ulong.MaxValue;
        }
        else if (isNamed && LibDw.Address(&named, &address) == 0) (operation.Atom, operation.Number) = (DwOp.Address, address);
    }

    /// <summary>Where a variable stands, when that place is static.</summary>
    /// <param name="place">Address as linked, or offset within the file's thread-local block.</param>
    /// <param name="isThreadLocal">Which of both.</param>
    internal bool TryStaticPlace(out ulong place, out bool isThreadLocal)
    {
        (place, isThreadLocal) = (0, false);
        LibDw.Attribute attribute, indexed;
        LibDw.Operation* operations;
        nuint count;
        fixed (LibDw.Die* die = &Raw)
            if (LibDw.GetAttribute(die, DwAt.Location, &attribute) == null) return false;
        if (LibDw.Location(&attribute, &operations, &count) != 0 || count == 0) return false;
        ulong value = operations[0].Number;
        var atom = operations[0].Atom;
        switch (atom)
        {
            case DwOp.Address or DwOp.Const4Unsigned or DwOp.Const8Unsigned or DwOp.ConstUnsigned:
                break;
            case DwOp.AddressIndex or DwOp.ConstantIndex or DwOp.GnuAddressIndex or DwOp.GnuConstantIndex:
                if (LibDw.LocationAttribute(&attribute, operations, &indexed) != 0 || LibDw.Address(&indexed, &value) != 0) return false;
                break;
            default:
                return false;
        }

        var isAddress = atom is DwOp.Address or DwOp.AddressIndex or DwOp.GnuAddressIndex;
        for (nuint i = 1; i < count; i++)
        {
            switch (operations[i].Atom)
            {
                case DwOp.PlusConstant:
                    value += operations[i].Number;
                    break;
                case DwOp.ThreadLocal or DwOp.GnuThreadLocal:
                    isThreadLocal = true;
                    break;
                default: /* computed: a value without a place (DW_OP_stack_value) or a part of one */
                    return false;
            }
        }

        place = value;
        return isThreadLocal || isAddress;
    }
}
