using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Types;

/// <summary>Finds out what is done with one part of an object: numbers, arrays, pointers; <see cref="RecordComparer"/> and
/// <see cref="UnionComparer"/> do structs and unions.</summary>
internal sealed class Comparer
{
    private readonly PairGraph _graph;
    private readonly RecordComparer _records;
    private readonly UnionComparer _unions;

    internal Comparer(PairGraph graph)
    {
        _graph = graph;
        _records = new RecordComparer(graph, this);
        _unions = new UnionComparer(graph, this);
    }

    /// <summary>A part in both versions, and what was found out of its pair so far.</summary>
    internal readonly record struct Part(CType Old, CType New, ulong From, ulong To, string Path, Site Site, Findings Into, int OldShift = 0,
        int OldBits = 0, int NewShift = 0, int NewBits = 0);

    /// <summary>What is found out of one pair.</summary>
    internal sealed class Findings
    {
        internal List<Conversion> Conversions { get; } = [];
        internal List<Difference> Differences { get; } = [];
        internal List<TypePair> Targets { get; } = [];
        internal bool HasOpaque { get; set; }

        internal void Differ(DifferenceKind kind, string path, string text, string? cure = null) =>
            Differences.Add(new Difference(kind, path, text, cure));
    }

    internal void Fill(TypePair pair, Site site)
    {
        var found = new Findings();
        var path = site.OldOwner switch
        {
            Variable v => v.Name,
            RecordType r => $"{r}.{site.OldField}",
            _ => pair.Old.ToString(),
        };
        if (site.OldOwner is Variable && _graph.Hints.Values.TryGetValue(site.New, out var value) && NumberForm.Of(pair.New) is { } form)
        {
            found.Conversions.Add(new SetValue(0, 0, path, form, value));
            found.Differ(DifferenceKind.Described, path, "is set by the description");
        }
        else if (pair is { Old: RecordType old, New: RecordType now }) _records.Compare(old, now, path, site, found);
        else Compare(new Part(pair.Old, pair.New, 0, 0, path, site, found));
        (pair.Conversions, pair.Differences, pair.Targets) = (found.Conversions, found.Differences, found.Targets);
        pair.IsFilled = true;
        pair.IsChanged = found.Differences.Exists(d => d.Kind != DifferenceKind.Notice);
        pair.LeadsToOpaque = found.HasOpaque;
    }

    internal void Compare(Part part)
    {
        var (old, now) = (part.Old.Bare, part.New.Bare);
        switch (old, now)
        {
            case (RecordType { IsUnion: true } o, RecordType { IsUnion: true } n):
                _unions.Compare(o, n, part);
                return;
            case (RecordType, RecordType):
                AddPart(part, _graph.Get(old, now));
                return;
            case (PointerType o, PointerType n):
                ComparePointers(o, n, part);
                return;
            case (ArrayType o, ArrayType n):
                CompareArrays(o, n, part);
                return;
            case (VoidType or FunctionType, VoidType or FunctionType):
                return;
            default:
                CompareNumbers(old, now, part);
                return;
        }
    }

    /// <summary>A struct or union within another object.</summary>
    internal static void AddPart(Part part, TypePair pair)
    {
        part.Into.Conversions.Add(new ConvertPart(part.From, part.To, part.Path, pair));
        Inherit(part, pair, part.Old.ToString());
    }

    private static void Inherit(Part part, TypePair pair, string what)
    {
        part.Into.Targets.AddRange(pair.Targets);
        part.Into.HasOpaque |= pair.LeadsToOpaque;
        if (!pair.IsChanged) return;
        if (pair.Old is RecordType { Tag: null, TypedefName: null }) part.Into.Differences.AddRange(pair.Differences);
        else part.Into.Differ(DifferenceKind.Converted, part.Path, $"holds {what}, which has changed");
    }

    private static void CompareNumbers(CType old, CType now, Part part)
    {
        var (path, into) = (part.Path, part.Into);
        var cure = $"convert {path} = EXPRESSION";
        if (NumberForm.Of(old, part.OldShift, part.OldBits) is not { } o || NumberForm.Of(now, part.NewShift, part.NewBits) is not { } n)
        {
            if (old is BaseType && now is BaseType && old.Size == now.Size && old.ToString() == now.ToString())
                into.Conversions.Add(new CopyBytes(part.From, part.To, path, old.Size));
            else into.Differ(DifferenceKind.NeedsWord, path, $"was {Spell(part.Old, part.OldBits)}, is {Spell(part.New, part.NewBits)}", cure);
            return;
        }

        if (old is EnumType before && now is EnumType after && Renumbered(before, after, path, into) is { } values)
        {
            into.Conversions.Add(new Renumber(part.From, part.To, path, o, n, values));
            return;
        }

        if (o == n)
        {
            if (o.BitSize > 0) into.Conversions.Add(new ConvertNumber(part.From, part.To, path, o, n));
            else into.Conversions.Add(new CopyBytes(part.From, part.To, path, old.Size));
            return;
        }

        if (!o.IsConvertible || !n.IsConvertible || (o.IsFloating && !n.IsFloating))
        {
            into.Differ(DifferenceKind.NeedsWord, path, $"was {Spell(part.Old, part.OldBits)}, is {Spell(part.New, part.NewBits)}", cure);
            return;
        }

        into.Conversions.Add(new ConvertNumber(part.From, part.To, path, o, n));
        if (o with { BitShift = 0 } != n with { BitShift = 0 })
            into.Differ(DifferenceKind.Converted, path,
                $"was {Spell(part.Old, part.OldBits)}, is {Spell(part.New, part.NewBits)}{(Narrows(o, n) ? "; a value that doesn't fit is refused" : "")}");
    }

    private static bool Narrows(NumberForm old, NumberForm now) =>
        old.IsFloating || now.IsFloating ? now.Size <= 4 : now.Range.Least > old.Range.Least || now.Range.Greatest < old.Range.Greatest;

    private static string Spell(CType type, int bits) => bits > 0 ? $"{type} : {bits}" : type.ToString();

    /// <summary>The values that names have now; null when no name that both have was given another value.</summary>
    private static Dictionary<Int128, Int128>? Renumbered(EnumType old, EnumType now, string path, Comparer.Findings into)
    {
        var after = now.Values.GroupBy(v => v.Name).ToDictionary(g => g.Key, g => g.First().Value);
        var gone = old.Values.Where(v => !after.ContainsKey(v.Name)).Select(v => v.Name).ToList();
        if (gone.Count > 0) into.Differ(DifferenceKind.Notice, path, $"{old} has no {string.Join(", ", gone.Take(5))} any more");
        if (!old.Values.Any(v => after.TryGetValue(v.Name, out var value) && value != v.Value)) return null;
        var moved = old.Values.First(v => after.TryGetValue(v.Name, out var value) && value != v.Value);
        into.Differ(DifferenceKind.Converted, path,
            $"the names of {old} have other values: {moved.Name} was {moved.Value}, is {after[moved.Name]}");
        var values = new Dictionary<Int128, Int128>();
        foreach (var v in old.Values)
            if (after.TryGetValue(v.Name, out var value)) values.TryAdd(v.Value, value);
        return values;
    }

    private void CompareArrays(ArrayType old, ArrayType now, Part part)
    {
        var (path, into) = (part.Path, part.Into);
        /* What the description says of a field that is an array holds for each of its elements. */
        var element = _graph.GetFor(old.Element, now.Element, part.Site);
        if (old.Count is null or 0 && now.Count is null or 0)
        {
            var length = part.Site.OldOwner is null ? null : _graph.Hints.Lengths.GetValueOrDefault(part.Site.Old);
            into.Conversions.Add(new ConvertTail(part.From, part.To, path, element, length, part.Site.Record));
            Inherit(part, element, old.Element.ToString());
            return;
        }

        if (old.Count is not > 0 || now.Count is not > 0)
        {
            into.Differ(DifferenceKind.NeedsWord, path, $"was {old}, is {now}", $"convert {path.Split('.')[0]} by FUNCTION");
            return;
        }

        var (before, after) = (old.Count.Value, now.Count.Value);
        into.Conversions.Add(new ConvertElements(part.From, part.To, path, element, Math.Min(before, after)));
        Inherit(part, element, old.Element.ToString());
        if (after > before) into.Differ(DifferenceKind.Converted, path, $"has {after} elements, had {before}; the new ones are zero");
        if (after >= before) return;
        var isText = old.Element.Bare is BaseType { IsCharacter: true };
        into.Conversions.Add(new MustBeZero(part.From + after * old.Element.Size, path, (before - after) * old.Element.Size, isText, part.From));
        into.Differ(DifferenceKind.Converted, path,
            $"has {after} elements, had {before}; {(isText ? "a text that doesn't fit is refused" : "those beyond must be zero")}");
    }

    private void ComparePointers(PointerType old, PointerType now, Part part)
    {
        var (path, into, hints) = (part.Path, part.Into, _graph.Hints);
        var named = part.Site.OldOwner is not null;
        if (named && hints.Kept.Contains(part.Site.Old))
        {
            into.Conversions.Add(new CopyBytes(part.From, part.To, path, 8));
            return;
        }

        if (named && hints.Targets.TryGetValue(part.Site.Old, out var described))
        {
            Follow(described.Old, described.New, part);
            return;
        }

        if (old.IsFunction || now.IsFunction)
        {
            into.Conversions.Add(new CopyBytes(part.From, part.To, path, 8));
            if (old.ToString() != now.ToString())
                into.Differ(DifferenceKind.Notice, path, $"was {old}, is {now}: functions that it may point to already take what they took before");
            return;
        }

        if (!old.IsOpaque && (now.IsOpaque ? _graph.Counterpart(old.Target) : now.Target) is { } target) Follow(old.Target, target, part);
        else
        {
            into.Conversions.Add(new OpaquePointer(part.From, part.To, path, null));
            into.HasOpaque = true;
        }

        if (old.IsOpaque != now.IsOpaque)
            into.Differ(DifferenceKind.Notice, path, $"was {old}, is {now}", old.IsOpaque ? $"type {path} is {now}" : null);
    }

    private void Follow(CType old, CType now, Part part)
    {
        var pair = _graph.GetLater(old, now);
        var length = part.Site.OldOwner is null ? null : _graph.Hints.Lengths.GetValueOrDefault(part.Site.Old);
        part.Into.Conversions.Add(new FollowPointer(part.From, part.To, part.Path, pair, length, part.Site.Record));
        part.Into.Targets.Add(pair);
    }
}
