namespace Mvedsua.Update.Debug;

/// <summary>A struct or a union. One object stands for all units' copies of the same definition, so that types can be
/// compared by reference within one file.</summary>
public sealed class RecordType : CType
{
    private readonly Func<IReadOnlyList<Member>>? _read;
    private IReadOnlyList<Member>? _members;

    /// <param name="isUnion">A union.</param>
    /// <param name="tag">Its tag; null for an anonymous one.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="members">Reads its members, called once; null for one that no unit defines.</param>
    public RecordType(bool isUnion, string? tag, ulong size, Func<IReadOnlyList<Member>>? members)
    {
        (IsUnion, Tag, Size, _read) = (isUnion, tag, size, members);
        IsComplete = members is not null;
    }

    public bool IsUnion { get; }

    /// <summary>The tag; null for an anonymous one.</summary>
    public string? Tag { get; }

    /// <summary>The name of a typedef of it, when it has no tag.</summary>
    public string? TypedefName { get; internal set; }

    /// <summary>False when it is declared and nowhere defined, or defined differently by several other units.</summary>
    public bool IsComplete { get; }

    /// <summary>Whether it is incomplete because other units define it differently.</summary>
    public bool IsAmbiguous { get; internal init; }

    public override ulong Size { get; }

    /// <summary>In order; empty for an incomplete one.</summary>
    public IReadOnlyList<Member> Members => _members ??= _read?.Invoke() ?? [];

    /// <summary>The member of that name, also through anonymous members (its offset is then within this type); null when there is
    /// none.</summary>
    public Member? Find(string name)
    {
        foreach (var member in Members)
        {
            if (member.Name == name) return member;
            if (member.Name is null && member.Type.Bare is RecordType inner && inner.Find(name) is { } found) return found.Moved(member.Offset);
        }
        return null;
    }

    /// <summary>All named members, those of anonymous members too, as C sees them.</summary>
    public IEnumerable<Member> NamedMembers => Members.SelectMany(m => m switch
    {
        { Name: not null } => [m],
        { Type.Bare: RecordType inner } => inner.NamedMembers.Select(i => i.Moved(m.Offset)),
        _ => Enumerable.Empty<Member>(),
    });

    /// <summary>The last member when it is an array of unknown length.</summary>
    public Member? FlexibleMember => !IsUnion && Members.Count > 0 && Members[^1] is { Type.Bare: ArrayType { Count: null or 0 } } last ? last
        : null;
}

/// <summary>A member of a struct or union.</summary>
/// <param name="Name">Null for an anonymous struct or union.</param>
/// <param name="Type">Its type.</param>
/// <param name="Offset">Bytes from the beginning; of a bit-field: of the byte that holds its first bit.</param>
/// <param name="BitShift">Of a bit-field: where it begins within that byte, 0 to 7 from the lowest bit.</param>
/// <param name="BitSize">Bits of a bit-field; 0 for any other member.</param>
public sealed record Member(string? Name, CType Type, ulong Offset, int BitShift = 0, int BitSize = 0)
{
    public bool IsBitField => BitSize > 0;

    /// <summary>The first byte behind it.</summary>
    public ulong End => IsBitField ? Offset + (ulong)(BitShift + BitSize + 7) / 8 : Offset + Type.Size;

    internal Member Moved(ulong by) => this with { Offset = Offset + by };
}
