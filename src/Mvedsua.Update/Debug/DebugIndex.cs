namespace Mvedsua.Update.Debug;

/// <summary>What the units of a file define, found in one pass over their top levels (and over the bodies of functions for
/// the statics in them). Types are only noted by their place here; <see cref="TypeReader"/> reads those that are asked for.</summary>
internal sealed unsafe class DebugIndex
{
    private readonly DebugFile _file;
    private readonly HashSet<(ulong, bool)> _places = [];

    internal List<Variable> Variables { get; } = [];
    internal List<Function> Functions { get; } = [];

    /// <summary>Complete structs, unions and enums with a tag: the places of all units' definitions.</summary>
    internal Dictionary<(DwTag Kind, string Tag), List<ulong>> Definitions { get; } = [];

    internal Dictionary<string, ulong> Typedefs { get; } = [];

    /// <summary>One place of each base type.</summary>
    internal Dictionary<string, ulong> BaseTypes { get; } = [];

    /// <summary>All enumerations, those without a tag too.</summary>
    internal List<ulong> Enumerations { get; } = [];

    private DebugIndex(DebugFile file) => _file = file;

    internal static DebugIndex Build(DebugFile file)
    {
        var index = new DebugIndex(file);
        void* unit = null, next;
        DwarfDie die;
        for (; LibDw.GetUnits(file.Handle, unit, &next, null, null, &die.Raw, null) == 0; unit = next)
            index.AddUnit(die);
        return index;
    }

    private void AddUnit(DwarfDie unitDie)
    {
        var unit = new Unit(_file.TextOf(unitDie, DwAt.Name) ?? "");
        if (!unitDie.TryChild(out var die)) return;
        do
        {
            switch (die.Tag)
            {
                case DwTag.StructureType or DwTag.UnionType or DwTag.EnumerationType:
                    AddDefinition(die);
                    break;
                case DwTag.BaseType when _file.TextOf(die, DwAt.Name) is { } name:
                    BaseTypes.TryAdd(name, die.Offset);
                    break;
                case DwTag.Typedef when _file.TextOf(die, DwAt.Name) is { } name:
                    Typedefs.TryAdd(name, die.Offset);
                    break;
                case DwTag.Variable:
                    AddVariable(die, unit, function: null);
                    break;
                case DwTag.Subprogram:
                    AddFunction(die, unit);
                    break;
            }
        }
        while (die.MoveNext());
    }

    private void AddDefinition(DwarfDie die)
    {
        if (die.Has(DwAt.Declaration)) return;
        if (die.Tag == DwTag.EnumerationType) Enumerations.Add(die.Offset);
        if (_file.TextOf(die, DwAt.Name) is not { } tag) return;
        var key = (die.Tag, tag);
        if (!Definitions.TryGetValue(key, out var places)) Definitions[key] = places = [];
        places.Add(die.Offset);
    }

    private void AddFunction(DwarfDie die, Unit unit)
    {
        var hasBody = die.TryChild(out var child);
        var address = die.Entry;
        if ((address is null && !hasBody) || die.Has(DwAt.Declaration)) return;
        var name = _file.TextOf(die, DwAt.Name) ?? "";
        if (address is { } code && name.Length > 0)
        {
            var place = die.Offset;
            Functions.Add(new Function(name, unit, code, place, die.Flag(DwAt.External), () => (FunctionType)_file.ReadType(place, asFunction: true)));
        }

        if (hasBody) AddStatics(child, unit, name);
    }

    private void AddStatics(DwarfDie die, Unit unit, string function)
    {
        do
        {
            switch (die.Tag)
            {
                case DwTag.Variable:
                    AddVariable(die, unit, function);
                    break;
                case DwTag.LexicalBlock when die.TryChild(out var inner):
                    AddStatics(inner, unit, function);
                    break;
            }
        }
        while (die.MoveNext());
    }

    private void AddVariable(DwarfDie die, Unit unit, string? function)
    {
        if (!die.Has(DwAt.Location) || !die.TryStaticPlace(out var address, out var isThreadLocal)) return;
        /* The linker left it out (--gc-sections): its address is a mark. */
        if (!isThreadLocal && address is 0 or ulong.MaxValue or ulong.MaxValue - 1) return;
        /* A static of a function that was inlined stands in its abstract and in its concrete instances. */
        if (_file.TextOf(die, DwAt.Name) is not { } name || !_places.Add((address, isThreadLocal))) return;
        var place = die.Offset;
        Variables.Add(new Variable(name, unit, function, address, die.Flag(DwAt.External), isThreadLocal, () => _file.ReadTypeOf(place)));
    }
}
