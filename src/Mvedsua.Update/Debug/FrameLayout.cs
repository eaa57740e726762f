namespace Mvedsua.Update.Debug;

/// <summary>A parameter of a function, and how its value is found at some place in it.</summary>
/// <param name="Name">"?" when it has none.</param>
/// <param name="Operations">DWARF's expression for its place, or its value; null: it is nowhere there.</param>
/// <param name="Constant">Its value, where the compiler found that it has only one.</param>
internal sealed record ParameterPlace(string Name, LibDw.Operation[]? Operations, long? Constant);

/// <summary>How the values that a function works with are found in its frame, while execution stands at one address in it.</summary>
/// <param name="Parameters">In their order.</param>
/// <param name="Base">What the places of the others are counted from; null when it isn't told.</param>
/// <param name="IsCalledAsWritten">The compiler has left it the parameters that the source says, and the ABI's registers for them (clang
/// says so where it has not; gcc gives such functions another name).</param>
internal sealed record FrameLayout(IReadOnlyList<ParameterPlace> Parameters, LibDw.Operation[]? Base, bool IsCalledAsWritten)
{
    private const ulong NoCall = 3; // DW_CC_nocall

    /// <summary>Used under the file's lock.</summary>
    internal static unsafe FrameLayout Of(DebugFile file, Function function, ulong at)
    {
        DwarfDie die;
        if (LibDw.AtOffset(file.Handle, function.Place, &die.Raw) == null) return new FrameLayout([], null, false);
        var parameters = new List<ParameterPlace>();
        if (die.TryChild(out var child))
        {
            do
            {
                if (child.Tag == DwTag.FormalParameter)
                    parameters.Add(new ParameterPlace(file.TextOf(child, DwAt.Name) ?? "?", child.PlaceAt(DwAt.Location, at), child.Constant(DwAt.ConstValue)));
            }
            while (child.MoveNext());
        }

        return new FrameLayout(parameters, die.PlaceAt(DwAt.FrameBase, at), die.Unsigned(DwAt.CallingConvention) != NoCall);
    }
}
