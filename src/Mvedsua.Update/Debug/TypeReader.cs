namespace Mvedsua.Update.Debug;

/// <summary>Makes types of entries; each entry once, and the same struct of several units once. Used under the file's lock.</summary>
internal sealed class TypeReader(DebugFile file, DebugIndex index)
{
    /// <summary>What makes two units' definitions the same one: units that include the same header agree in all of it.</summary>
    private readonly record struct Identity(DwTag Kind, string? Name, ulong Size, ulong Line, ulong Column, int Members, ulong Only);

    private readonly Dictionary<ulong, CType> _byPlace = [];
    private readonly Dictionary<Identity, CType> _records = [];
    private readonly Dictionary<(DwTag, string), CType?> _defined = [];
    private readonly Dictionary<(DwTag, string), bool> _agreed = [];
    private readonly HashSet<ulong> _reading = [], _expanding = [];

    internal unsafe CType At(ulong place, bool asFunction = false)
    {
        if (_byPlace.TryGetValue(place, out var known)) return known;
        DwarfDie die;
        if (LibDw.AtOffset(file.Handle, place, &die.Raw) == null) return VoidType.Instance;
        if (!_reading.Add(place) || _reading.Count > TypeCycles.Deepest) throw Damaged(place);
        try
        {
            return _byPlace[place] = asFunction ? ReadFunction(die) : Read(die, place);
        }
        finally
        {
            _reading.Remove(place);
        }
    }

    private int _targets; /* that are being read, each for the one before */

    /// <summary>What a pointer points to.</summary>
    internal CType TargetAt(ulong place)
    {
        /* Following a pointer reads its target, whose soundness is a matter of its own: a ring of pointers would be read for ever. */
        if (_targets == TypeCycles.Deepest) throw Damaged(place);
        _targets++;
        try
        {
            var target = At(place);
            return TypeCycles.AreSound(target) ? target : throw Damaged(place);
        }
        finally
        {
            _targets--;
        }
    }

    private UpdateRefusedException Damaged(ulong place) =>
        new($"the debug information of {file.Path} is damaged: the type at 0x{place:x} is made of itself");

    /// <summary>What the type attribute of an entry names; void when it has none.</summary>
    internal unsafe CType TypeOf(ulong place)
    {
        DwarfDie die;
        return LibDw.AtOffset(file.Handle, place, &die.Raw) == null ? VoidType.Instance : TypeOf(die);
    }

    private CType TypeOf(DwarfDie die) => die.TryReference(DwAt.Type, out var target) ? At(target.Offset) : VoidType.Instance;

    private CType Read(DwarfDie die, ulong place)
    {
        switch (die.Tag)
        {
            case DwTag.BaseType:
                return ReadBase(die);
            case DwTag.PointerType:
                return die.TryReference(DwAt.Type, out var target)
                    ? new PointerType(Later(target.Offset)) : new PointerType(VoidType.Instance);
            case DwTag.StructureType or DwTag.UnionType:
                return ReadRecord(die, place);
            case DwTag.EnumerationType:
                return ReadEnum(die, place);
            case DwTag.ArrayType:
                return ReadArray(die);
            case DwTag.Typedef:
                return ReadTypedef(die);
            case DwTag.SubroutineType or DwTag.Subprogram:
                return ReadFunction(die);
            case DwTag.ConstType:
                return new QualifiedType(Qualifier.Const, TypeOf(die));
            case DwTag.VolatileType:
                return new QualifiedType(Qualifier.Volatile, TypeOf(die));
            case DwTag.RestrictType:
                return new QualifiedType(Qualifier.Restrict, TypeOf(die));
            case DwTag.AtomicType:
                return new QualifiedType(Qualifier.Atomic, TypeOf(die));
            default: /* an unspecified type (nullptr_t, untyped assembly): nothing is known of it */
                return VoidType.Instance;
        }
    }

    private Func<CType> Later(ulong place) => () => file.ReadTarget(place);

    private BaseType ReadBase(DwarfDie die)
    {
        var encoding = (DwEncoding)(die.Unsigned(DwAt.Encoding) ?? 0);
        var kind = encoding switch
        {
            DwEncoding.Boolean => BaseKind.Boolean,
            DwEncoding.Float => BaseKind.Floating,
            DwEncoding.ComplexFloat => BaseKind.Complex,
            DwEncoding.Signed or DwEncoding.SignedChar => BaseKind.SignedNumber,
            _ => BaseKind.UnsignedNumber,
        };
        return new BaseType(file.TextOf(die, DwAt.Name) ?? "?", kind, die.Unsigned(DwAt.ByteSize) ?? 0,
            encoding is DwEncoding.SignedChar or DwEncoding.UnsignedChar or DwEncoding.Utf);
    }

    private CType ReadRecord(DwarfDie die, ulong place)
    {
        var tag = file.TextOf(die, DwAt.Name);
        if (die.Has(DwAt.Declaration))
        {
            if (tag is null) return VoidType.Instance;
            return Defined((die.Tag, tag)) ?? new RecordType(die.Tag == DwTag.UnionType, tag, 0, null)
            {
                IsAmbiguous = index.Definitions.ContainsKey((die.Tag, tag)),
            };
        }

        var size = die.Unsigned(DwAt.ByteSize) ?? 0;
        var identity = IdentityOf(die, place);
        if (_records.TryGetValue(identity, out var known)) return known;
        var record = new RecordType(die.Tag == DwTag.UnionType, tag, size, () => file.ReadMembers(place));
        _records[identity] = record;
        return record;
    }

    /// <summary>The definition of a tag that all units which define it agree in.</summary>
    internal CType? Defined((DwTag Kind, string Tag) key)
    {
        if (_defined.TryGetValue(key, out var known)) return known;
        CType? type = null;
        if (index.Definitions.TryGetValue(key, out var places) && Agree(key)) type = At(places[0]);
        return _defined[key] = type;
    }

    /// <summary>Whether all units that define a tag define it alike; found out once for each.</summary>
    private bool Agree((DwTag, string) key)
    {
        if (!_agreed.TryGetValue(key, out var known)) _agreed[key] = known = Agree(index.Definitions[key]);
        return known;
    }

    private unsafe bool Agree(List<ulong> places)
    {
        if (places.Count == 1) return true;
        Identity? first = null;
        foreach (var place in places)
        {
            DwarfDie die;
            if (LibDw.AtOffset(file.Handle, place, &die.Raw) == null) return false;
            var identity = Declared(die) with { Members = Count(die) };
            if (first is { } other && other != identity) return false;
            first = identity;
        }
        return true;
    }

    private Identity IdentityOf(DwarfDie die, ulong place)
    {
        var declared = Declared(die);
        /* An anonymous type, or a tag that units define differently, is itself alone; but a header's typedef of an anonymous struct stands
           at one line. */
        var isShared = declared.Line != 0 && (declared.Name is null || !index.Definitions.TryGetValue((declared.Kind, declared.Name), out _)
            || Agree((declared.Kind, declared.Name)));
        return isShared ? declared with { Members = Count(die) } : declared with { Only = place };
    }

    private Identity Declared(DwarfDie die) =>
        new(die.Tag, file.TextOf(die, DwAt.Name), die.Unsigned(DwAt.ByteSize) ?? 0, die.Unsigned(DwAt.DeclLine) ?? 0,
            die.Unsigned(DwAt.DeclColumn) ?? 0, 0, 0);

    private static int Count(DwarfDie die)
    {
        var count = 0;
        if (!die.TryChild(out var child)) return 0;
        do count++;
        while (child.MoveNext());
        return count;
    }

    internal unsafe IReadOnlyList<Member> MembersAt(ulong place)
    {
        DwarfDie die;
        var members = new List<Member>();
        if (LibDw.AtOffset(file.Handle, place, &die.Raw) == null || !die.TryChild(out var child)) return members;
        if (!_expanding.Add(place) || _expanding.Count > TypeCycles.Deepest) throw Damaged(place);
        try
        {
            do
            {
                if (child.Tag != DwTag.Member) continue;
                var member = ReadMember(child);
                /* Reads them too, so that a struct that holds itself is found here. */
                if (Innermost(member.Type) is RecordType inner) _ = inner.Members;
                members.Add(member);
            }
            while (child.MoveNext());
        }
        finally
        {
            _expanding.Remove(place);
        }
        return members;
    }

    private static CType Innermost(CType type)
    {
        while (type.Bare is ArrayType array) type = array.Element;
        return type.Bare;
    }

    private Member ReadMember(DwarfDie die)
    {
        var type = TypeOf(die);
        var name = file.TextOf(die, DwAt.Name);
        /* libdw reads the constant; the form as an expression has not been written by C compilers since DWARF 3. */
        var offset = die.Unsigned(DwAt.MemberLocation) ?? 0;
        if (die.Unsigned(DwAt.BitSize) is not { } bits) return new Member(name, type, offset);
        ulong first;
        if (die.Unsigned(DwAt.DataBitOffset) is { } fromStart) first = fromStart;
        else
        {
            /* DWARF 2 to 4: counted from the highest bit of the storage unit. */
            var storage = 8 * (die.Unsigned(DwAt.ByteSize) ?? type.Size);
            first = 8 * offset + storage - (die.Unsigned(DwAt.BitOffset) ?? 0) - bits;
        }
        return new Member(name, type, first / 8, (int)(first % 8), (int)bits);
    }

    private EnumType ReadEnum(DwarfDie die, ulong place)
    {
        var tag = file.TextOf(die, DwAt.Name);
        if (die.Has(DwAt.Declaration) && tag is not null && Defined((DwTag.EnumerationType, tag)) is EnumType defined) return defined;
        var identity = IdentityOf(die, place);
        if (_records.TryGetValue(identity, out var known)) return (EnumType)known;
        var values = new List<Enumerator>();
        if (die.TryChild(out var child))
        {
            do
            {
                if (child.Tag == DwTag.Enumerator && file.TextOf(child, DwAt.Name) is { } name)
                    values.Add(new Enumerator(name, child.Constant(DwAt.ConstValue) ?? 0));
            }
            while (child.MoveNext());
        }

        var isSigned = TypeOf(die).Bare is BaseType { Kind: BaseKind.SignedNumber } || values.Exists(v => v.Value < 0);
        var type = new EnumType(tag, die.Unsigned(DwAt.ByteSize) ?? 4, isSigned, values);
        _records[identity] = type;
        return type;
    }

    private CType ReadArray(DwarfDie die)
    {
        var type = TypeOf(die);
        var counts = new List<ulong?>();
        if (die.TryChild(out var child))
        {
            do
            {
                if (child.Tag == DwTag.SubrangeType)
                    counts.Add(child.Unsigned(DwAt.Count) ?? (child.Constant(DwAt.UpperBound) is { } last ? (ulong)(last + 1) : null));
            }
            while (child.MoveNext());
        }

        for (var i = counts.Count - 1; i >= 0; i--) type = new ArrayType(type, counts[i]);
        return type;
    }

    private TypedefType ReadTypedef(DwarfDie die)
    {
        var name = file.TextOf(die, DwAt.Name) ?? "?";
        if (!die.TryReference(DwAt.Type, out var target)) return new TypedefType(name, VoidType.Instance);
        var place = target.Offset;
        /* Read at once: a typedef can't contain itself but through a pointer or a struct, whose parts are read later. */
        var type = At(place);
        if (type is RecordType { Tag: null } record) record.TypedefName ??= name;
        return new TypedefType(name, type);
    }

    private FunctionType ReadFunction(DwarfDie die)
    {
        var parameters = new List<CType>();
        var isVariadic = false;
        if (die.TryChild(out var child))
        {
            do
            {
                if (child.Tag == DwTag.FormalParameter) parameters.Add(TypeOf(child));
                else if (child.Tag == DwTag.UnspecifiedParameters) isVariadic = true;
            }
            while (child.MoveNext());
        }
        return new FunctionType(TypeOf(die), parameters, isVariadic);
    }
}
