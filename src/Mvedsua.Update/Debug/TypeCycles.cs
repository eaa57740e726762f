namespace Mvedsua.Update.Debug;

/// <summary>In C every cycle of types goes through a struct or union. A damaged file may have others, on which whatever follows types
/// would never end.</summary>
internal static class TypeCycles
{
    /// <summary>No type of a real program is nested so deeply.</summary>
    internal const int Deepest = 100;

    /// <summary>Whether all that a type is made of comes to base types, structs or unions within a few steps.</summary>
    internal static bool AreSound(CType type)
    {
        var steps = 0;
        return Follow(type, 0, ref steps);
    }

    private static bool Follow(CType type, int depth, ref int steps)
    {
        if (depth > Deepest || ++steps > 100 * Deepest) return false;
        switch (type)
        {
            case PointerType p:
                return Follow(p.Target, depth + 1, ref steps);
            case ArrayType a:
                return Follow(a.Element, depth + 1, ref steps);
            case TypedefType t:
                return Follow(t.Target, depth + 1, ref steps);
            case QualifiedType q:
                return Follow(q.Target, depth + 1, ref steps);
            case FunctionType f:
                foreach (var parameter in f.Parameters)
                    if (!Follow(parameter, depth + 1, ref steps)) return false;
                return Follow(f.Result, depth + 1, ref steps);
            default:
                return true;
        }
    }
}
