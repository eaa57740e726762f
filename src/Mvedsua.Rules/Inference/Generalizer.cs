using System.Globalization;
using System.Text;
using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Inference;

/// <summary>Makes one rule of the differences of one shape: what is the same in all of them stands in it, what is the same on both sides of
/// each is captured, the rest is left open.</summary>
internal sealed class Generalizer
{
    private readonly IReadOnlyList<Difference> _all;
    private readonly Shape _shape;
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal); // values of a place over all differences → capture
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private (string Old, string New)? _rewriting;

    private Generalizer(Shape shape, IReadOnlyList<Difference> all) => (_shape, _all) = (shape, all);

    /// <param name="shape">What the differences have in common.</param>
    /// <param name="all">The differences.</param>
    /// <param name="predicate">What tells their first event apart from others of its name; null: nothing needs to.</param>
    internal static string Rule(Shape shape, IReadOnlyList<Difference> all, Predicate? predicate)
    {
        var maker = new Generalizer(shape, all);
        var sides = shape.Kind switch
        {
            ShapeKind.Joined => $"({shape.Old}($fd, +$data))+ => {shape.New}($fd, $data)",
            ShapeKind.Split => $"{shape.Old}($fd, $data) => ({shape.New}($fd, -$data))+",
            _ => maker.Plain(predicate),
        };
        var where = predicate is { Condition: { } condition } && shape.Kind == ShapeKind.Plain ? $"\n  where {condition}" : "";
        return $"rule {QuotedText.Quote(Encoding.UTF8.GetBytes(Name(shape)))}\n  {sides}{where}";
    }

    internal static string Name(Shape shape) => shape.Kind switch
    {
        ShapeKind.Joined => $"{shape.New} for {shape.Old}",
        ShapeKind.Split => $"several {shape.New} for {shape.Old}",
        _ when shape.Old.Length == 0 => $"{shape.New} added",
        _ when shape.New.Length == 0 => $"{shape.Old} dropped",
        _ => $"{shape.Old.Replace(";", ", ", StringComparison.Ordinal)} as {shape.New.Replace(";", ", ", StringComparison.Ordinal)}",
    };

    private string Plain(Predicate? predicate)
    {
        FindCaptures();
        if (!_names.Keys.Any(key => key[0] == 'b')) _rewriting = Rewriting.Find(_all);
        var (old, now) = (_all[0].Old.Count, _all[0].New.Count);
        var leader = Enumerable.Range(0, old).Select(i => Call(d => d.Old[i].Record, i == 0 ? predicate : null, isLeader: true)).ToList();
        var follower = Enumerable.Range(0, now).Select(i => Call(d => d.New[i].Record, old == 0 && i == 0 ? predicate : null, isLeader: false)).ToList();
        return $"{(old == 0 ? "nothing" : string.Join("; ", leader))} => {(now == 0 ? "nothing" : string.Join("; ", follower))}";
    }

    /// <summary>A capture for all values that stand in two places of every difference.</summary>
    private void FindCaptures()
    {
        var places = new Dictionary<string, CommonValue>(StringComparer.Ordinal);
        foreach (var (select, isOld) in Selectors())
        {
            var row = select(_all[0]).Row;
            for (var i = 0; i < row.Arguments.Count; i++)
            {
                if (Key(select, i) is not { } key) continue;
                var values = _all.Select(d => Value(select(d), i)).Distinct(StringComparer.Ordinal).Count();
                var name = Shape.SentBuffer(select(_all[0])) == i ? "data" : row.Arguments[i].Name;
                var known = places.GetValueOrDefault(key, new(0, name, false, values > 1, isOld));
                places[key] = known with { Count = known.Count + 1, IsIdentity = known.IsIdentity || row.Arguments[i].Kind is ArgumentKind.Fd or ArgumentKind.Pid || select(_all[0]).Texts[i] is not null };
            }
        }
        foreach (var (key, place) in places)
            if (place.IsOld && place.Count > 1 && (place.IsIdentity || place.Varies)) _names[key] = Unique(place.Name);
    }

    private IEnumerable<(Func<Difference, CallRecord> Select, bool IsOld)> Selectors()
    {
        for (var i = 0; i < _all[0].Old.Count; i++)
        {
            var index = i;
            yield return (d => d.Old[index].Record, true);
        }
        for (var i = 0; i < _all[0].New.Count; i++)
        {
            var index = i;
            yield return (d => d.New[index].Record, false);
        }
    }

    private sealed record CommonValue(int Count, string Name, bool IsIdentity, bool Varies, bool IsOld);

    private string Unique(string name)
    {
        var unique = name;
        for (var i = 2; !_used.Add(unique); i++) unique = string.Create(CultureInfo.InvariantCulture, $"{name}{i}");
        return unique;
    }

    /// <summary>The values of a place in all differences; null: not one that rules look at.</summary>
    private string? Key(Func<Difference, CallRecord> select, int argument)
    {
        var values = _all.Select(d => Value(select(d), argument)).ToList();
        return values.Contains(null) ? null : string.Join('|', values);
    }

    private static string? Value(CallRecord record, int argument)
    {
        var row = record.Row.Arguments[argument];
        if (row.IsScalar) return IsLengthOfSent(record.Row, argument) ? null : string.Create(CultureInfo.InvariantCulture, $"n{record.Number(argument)}");
        return ArgumentFacts.IsSent(row) && ArgumentFacts.IsReadable(row) && record.Sent[argument] is { } bytes ? "b" + Convert.ToHexString(bytes) : null;
    }

    private static bool IsLengthOfSent(CallRow row, int argument) => row.Arguments.Any(other => ArgumentFacts.LengthOf(other) == argument && ArgumentFacts.IsSent(other));

    private string Call(Func<Difference, CallRecord> select, Predicate? predicate, bool isLeader)
    {
        var first = select(_all[0]);
        var arguments = first.Row.Arguments.Select((_, i) => Argument(select, i, predicate)).ToList();
        while (arguments.Count > 0 && arguments[^1] == "_") arguments.RemoveAt(arguments.Count - 1);
        var results = _all.Select(d => select(d).Result!.Value).Distinct().ToList();
        var result = results is [var only] && (only < 0 || !isLeader) ? only : (long?)null;
        var isAdded = !isLeader && _shape.Old.Length == 0;
        if (isAdded && ArgumentFacts.IsHarmless(first.Row)) return $"exec {first.Row.Name}({string.Join(", ", arguments)})";
        var text = $"{first.Row.Name}({string.Join(", ", arguments)})";
        if (isLeader ? result < 0 : isAdded && result is not null) text += $" = {Shown(result!.Value)}";
        else if (isLeader && _all.Any(d => select(d).Failed)) text += " = _";
        return text;
    }

    private static string Shown(long result) => result is < 0 and >= -4095
        ? CallFormatter.ErrorName(result) is var name && !name.Contains(' ', StringComparison.Ordinal) ? "-" + name : result.ToString(CultureInfo.InvariantCulture)
        : result.ToString(CultureInfo.InvariantCulture);

    private string Argument(Func<Difference, CallRecord> select, int index, Predicate? predicate)
    {
        var record = select(_all[0]);
        var row = record.Row.Arguments[index];
        if (_rewriting is { } rewriting && Shape.SentBuffer(record) == index) return ReferenceEquals(record, _all[0].Old[0].Record) ? rewriting.Old : rewriting.New;
        if (predicate is { Pattern: { } pattern } && predicate.Argument == index) return pattern;
        if (Key(select, index) is not { } key) return "_";
        if (_names.TryGetValue(key, out var name)) return "$" + name;
        if (predicate is { Capture: { } capture } && predicate.Argument == index) return "$" + capture;
        if (_all.Select(d => Value(select(d), index)).Distinct(StringComparer.Ordinal).Count() > 1 || row.Kind is ArgumentKind.Fd or ArgumentKind.Pid or ArgumentKind.Tid) return "_";
        if (!row.IsScalar) return record.Sent[index] is { Length: <= 200 } bytes && record.Texts[index] is null ? QuotedText.Quote(bytes) : "_";
        var call = new CallEvent { Number = record.Row.Number, Arguments = record.Arguments, Result = record.Result };
        var shown = CallFormatter.Arguments(call).FirstOrDefault(argument => argument.Name == row.Name).Text;
        return shown is not null && shown.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '|') ? shown : record.Number(index).ToString(CultureInfo.InvariantCulture);
    }
}
