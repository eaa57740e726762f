using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Update.Types;

/// <summary>
/// Pairs of old and new types, closed over everything that they hold and point to. A pair says what differs in its own bytes; what it points to
/// is another pair. So cycles need no care: whether a type leads to a changed one is asked of the finished graph. Not safe for concurrent use.
/// </summary>
public sealed class PairGraph
{
    private readonly Dictionary<(string, string), TypePair> _byKey = [];
    private readonly Dictionary<CType, int> _numbers = new(ReferenceEqualityComparer.Instance);
    private readonly Queue<TypePair> _open = [];
    private readonly List<TypePair> _pairs = [];
    private readonly DebugFile _new;
    private readonly Comparer _comparer;

    /// <param name="new">The new version's debug information.</param>
    /// <param name="hints">What the description says.</param>
    public PairGraph(DebugFile @new, Hints hints)
    {
        (_new, Hints) = (@new, hints);
        _comparer = new Comparer(this);
    }

    /// <summary>All pairs, by their id.</summary>
    public IReadOnlyList<TypePair> Pairs => _pairs;

    internal Hints Hints { get; }

    /// <summary>The pair of two types; its parts are compared at once, what it points to when the graph is closed.</summary>
    public TypePair Get(CType old, CType @new)
    {
        var key = (Key(old), Key(@new));
        if (!_byKey.TryGetValue(key, out var pair)) pair = _byKey[key] = Add(old, @new);
        if (!pair.IsFilled) _comparer.Fill(pair, default);
        return pair;
    }

    /// <summary>A pair for one variable or field of which the description says something that doesn't hold for its type elsewhere.</summary>
    internal TypePair GetFor(CType old, CType @new, Site site)
    {
        if (!site.HasHints(Hints)) return Get(old, @new);
        var pair = Add(old, @new);
        _comparer.Fill(pair, site);
        return pair;
    }

    /// <summary>The pair of two types that a pointer leads to: compared later, since types point to themselves.</summary>
    internal TypePair GetLater(CType old, CType @new)
    {
        var key = (Key(old), Key(@new));
        if (!_byKey.TryGetValue(key, out var pair))
        {
            pair = _byKey[key] = Add(old, @new);
            _open.Enqueue(pair);
        }
        pair.IsPointedTo = true;
        return pair;
    }

    /// <summary>What the new version calls an old type; null when it has none of that name.</summary>
    internal CType? Counterpart(CType old) => old.Bare switch
    {
        var bare when Hints.Types.TryGetValue(bare, out var renamed) => renamed,
        RecordType { Tag: { } tag } r => _new.TaggedType(r.IsUnion ? TagKind.Union : TagKind.Struct, tag),
        RecordType { TypedefName: { } name } => _new.Typedef(name)?.Bare,
        EnumType { Tag: { } tag } => _new.TaggedType(TagKind.Enum, tag),
        BaseType or PointerType => old.Bare,
        _ => null,
    };

    /// <summary>Compares everything that is reachable, then finds what leads to a change. Called once, when all roots were asked for.</summary>
    public void Close()
    {
        while (_open.TryDequeue(out var next))
            if (!next.IsFilled) _comparer.Fill(next, default);
        var users = new List<TypePair>[_pairs.Count];
        for (var i = 0; i < users.Length; i++) users[i] = [];
        foreach (var pair in _pairs)
            foreach (var target in pair.Targets) users[target.Id].Add(pair);
        Spread(_pairs, users, p => p.IsChanged, p => p.LeadsToChange, p => p.LeadsToChange = true);
        Spread(_pairs, users, p => p.LeadsToOpaque, p => p.LeadsToOpaque, p => p.LeadsToOpaque = true);
    }

    private static void Spread(List<TypePair> pairs, List<TypePair>[] users, Func<TypePair, bool> isSource, Func<TypePair, bool> isMarked,
        Action<TypePair> mark)
    {
        var queue = new Queue<TypePair>(pairs.Where(isSource));
        foreach (var source in queue) mark(source);
        while (queue.TryDequeue(out var pair))
        {
            foreach (var user in users[pair.Id])
            {
                if (isMarked(user)) continue;
                mark(user);
                queue.Enqueue(user);
            }
        }
    }

    private TypePair Add(CType old, CType @new)
    {
        var pair = new TypePair(_pairs.Count, old.Bare, @new.Bare);
        _pairs.Add(pair);
        return pair;
    }

    /// <summary>Equal for types that are the same: units have their own copies of base types and pointers, but share structs.</summary>
    private string Key(CType type) => type.Bare switch
    {
        PointerType p => "*" + Key(p.Target),
        ArrayType a => $"[{a.Count}]{Key(a.Element)}",
        RecordType r => "#" + Number(r),
        EnumType e => "e" + Number(e),
        FunctionType f => f.ToString(),
        BaseType b => $"{b.Name} {b.Size}",
        _ => "void",
    };

    private int Number(CType type)
    {
        if (!_numbers.TryGetValue(type, out var number)) _numbers[type] = number = _numbers.Count;
        return number;
    }
}

/// <summary>Where a part stands, for what the description says of it.</summary>
/// <param name="OldOwner">The old struct or variable; null for a part that has no name.</param>
/// <param name="NewOwner">The new one.</param>
/// <param name="OldField">The field's old name; empty for a variable.</param>
/// <param name="NewField">The field's new name.</param>
/// <param name="Record">Where the struct begins in the old object.</param>
internal readonly record struct Site(object? OldOwner, object? NewOwner, string OldField, string NewField, ulong Record)
{
    internal (object, string) Old => (OldOwner ?? string.Empty, OldField ?? "");

    internal (object, string) New => (NewOwner ?? string.Empty, NewField ?? "");

    internal bool HasHints(Hints hints) => OldOwner is not null
        && (hints.Targets.ContainsKey(Old) || hints.Lengths.ContainsKey(Old) || hints.Kept.Contains(Old) || hints.Valid.ContainsKey(Old)
            || hints.Values.ContainsKey(New));
}
