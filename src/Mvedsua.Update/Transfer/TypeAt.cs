using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Transfer;

/// <summary>What stands at a place in an object, by its old type.</summary>
internal static class TypeAt
{
    /// <summary>Whether an object of a type has one of another type at an offset, by value.</summary>
    internal static bool Holds(CType whole, ulong offset, CType wanted)
    {
        var type = whole.Bare;
        if (offset == 0 && IsSame(type, wanted.Bare)) return true;
        switch (type)
        {
            case ArrayType { Element.Size: > 0 } array:
                return Holds(array.Element, offset % array.Element.Size, wanted);
            case RecordType record:
                foreach (var member in record.Members)
                {
                    if (offset < member.Offset || member.IsBitField) continue;
                    if (offset < member.End || member == record.FlexibleMember)
                        if (Holds(member.Type, offset - member.Offset, wanted)) return true;
                }
                return false;
            default:
                return false;
        }
    }

    /// <summary>Structs are the same when they are one; other types when they are written the same.</summary>
    internal static bool IsSame(CType left, CType right) => ReferenceEquals(left, right)
        || (left is not RecordType && right is not RecordType && left.Size == right.Size && left.ToString() == right.ToString());
}
