using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>Names that all rules of a file share.</summary>
internal sealed class FileNames
{
    internal Dictionary<string, int> StoreIndex { get; } = new(StringComparer.Ordinal);

    internal List<StoreSlot> Stores { get; } = [];

    internal List<LineMap> Maps { get; } = [];
}

/// <summary>What is known while one rule is checked: captures, labels, stores.</summary>
internal sealed class RuleContext(FileNames names, List<Problem> problems)
{
    private readonly Dictionary<string, int> _slots = new(StringComparer.Ordinal);
    private readonly List<Slot> _list = [];
    private readonly HashSet<int> _certain = [];
    private readonly Dictionary<string, CallRow> _labels = new(StringComparer.Ordinal);

    internal IReadOnlyList<Slot> Slots => _list;

    /// <summary>Fields that the rule refers to by a label: "label.field".</summary>
    internal HashSet<(string Label, string Field)> Fields { get; } = [];

    /// <summary>Slots that a call of the follower takes pieces of.</summary>
    internal HashSet<int> Taken { get; } = [];

    internal void Complain(SourcePosition at, string message, string? hint = null) =>
        problems.Add(new(at, ProblemKind.Error, message, hint));

    internal bool IsCertain(int slot) => _certain.Contains(slot);

    internal int[] Certain() => [.. _certain];

    internal void Restore(int[] certain)
    {
        _certain.Clear();
        _certain.UnionWith(certain);
    }

    /// <summary>The slot of a capture that takes a value here.</summary>
    internal int Capture(SourcePosition at, string name, ValueType type)
    {
        if (_slots.TryGetValue(name, out var slot))
        {
            if (_list[slot].Type != type)
                Complain(at, $"${name} is {Describe(_list[slot].Type)} and can't be compared with {Describe(type)}");
        }
        else
        {
            slot = _list.Count;
            if (slot == Limits.Captures) throw new RuleTextException(at, $"more than {Limits.Captures} captures in one rule");
            _list.Add(new(name, type));
            _slots.Add(name, slot);
        }
        _certain.Add(slot);
        return slot;
    }

    /// <summary>The slot of a capture whose value is used here; -1, after a complaint: it has none.</summary>
    internal int Use(SourcePosition at, string name)
    {
        if (!_slots.TryGetValue(name, out var slot))
        {
            Complain(at, $"${name} is not captured before", Suggestion.For(name, _slots.Keys.Where(known => !known.Contains('.', StringComparison.Ordinal))));
            return -1;
        }
        if (!_certain.Contains(slot)) Complain(at, $"${name} has no value when the repetition that captures it has no round");
        return slot;
    }

    internal int? Find(string name) => _slots.TryGetValue(name, out var slot) ? slot : null;

    internal int Store(SourcePosition at, string name)
    {
        if (names.StoreIndex.TryGetValue(name, out var store)) return store;
        Complain(at, $"no rule stores @{name}", Suggestion.For(name, names.StoreIndex.Keys));
        return -1;
    }

    internal ValueType TypeOfStore(int store) => store < 0 ? ValueType.Bytes : names.Stores[store].Type;

    /// <summary>The map of this name, or null.</summary>
    internal LineMap? Map(string name) => names.Maps.Find(map => map.Name == name);

    internal IEnumerable<string> MapNames => names.Maps.Select(map => map.Name);

    internal void Label(Token label, CallRow row)
    {
        if (!_labels.TryAdd(label.Text, row)) Complain(label.At, $"the label '{label.Text}' stands twice in this rule");
    }

    /// <summary>The capture that a labelled field became; -1, after a complaint: there is none.</summary>
    internal int Use(FieldExpression field)
    {
        if (!_labels.TryGetValue(field.Label, out var row))
        {
            Complain(field.At, $"no call before is labelled '{field.Label}'", Suggestion.For(field.Label, _labels.Keys));
            return -1;
        }
        if (_slots.TryGetValue($"{field.Label}.{field.Field.Text}", out var slot)) return slot;
        Complain(field.Field.At, $"'{row.Name}' has no argument '{field.Field.Text}' that a rule can use",
            Suggestion.For(field.Field.Text, row.Arguments.Select(argument => argument.Name).Append("result")));
        return -1;
    }

    internal static string Describe(ValueType type) => type == ValueType.Number ? "a number" : "a buffer";
}
