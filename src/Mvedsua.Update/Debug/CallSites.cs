namespace Mvedsua.Update.Debug;

/// <summary>What debug information says of the calls in a function (DWARF 5, section 3.4; before that, gcc's own entries of the same form).</summary>
internal static class CallSites
{
    /// <summary>Used under the file's lock.</summary>
    internal static unsafe Dictionary<ulong, LibDw.Operation[]> PassedAt(DebugFile file, Function caller, ulong returnAddress)
    {
        var passed = new Dictionary<ulong, LibDw.Operation[]>();
        DwarfDie die;
        if (LibDw.AtOffset(file.Handle, caller.Place, &die.Raw) != null && Find(die, returnAddress) is { } site && site.TryChild(out var child)) Read(child, returnAddress, passed);
        return passed;
    }

    private static DwarfDie? Find(DwarfDie parent, ulong returnAddress)
    {
        if (!parent.TryChild(out var die)) return null;
        do
        {
            switch (die.Tag)
            {
                case DwTag.CallSite or DwTag.GnuCallSite when (die.Address(DwAt.CallReturnPc) ?? die.Address(DwAt.LowPc)) == returnAddress:
                    return die;
                case DwTag.LexicalBlock or DwTag.InlinedSubroutine when Find(die, returnAddress) is { } inner:
                    return inner;
            }
        }
        while (die.MoveNext());
        return null;
    }

    private static void Read(DwarfDie parameter, ulong returnAddress, Dictionary<ulong, LibDw.Operation[]> passed)
    {
        do
        {
            if (parameter.Tag is not (DwTag.CallSiteParameter or DwTag.GnuCallSiteParameter)) continue;
            if (parameter.PlaceAt(DwAt.Location, returnAddress) is not [{ Atom: >= DwOp.Register0 and <= DwOp.Register31 and var register }]) continue;
            if ((parameter.PlaceAt(DwAt.CallValue, returnAddress) ?? parameter.PlaceAt(DwAt.GnuCallSiteValue, returnAddress)) is { } value) passed[register - DwOp.Register0] = value;
        }
        while (parameter.MoveNext());
    }
}
