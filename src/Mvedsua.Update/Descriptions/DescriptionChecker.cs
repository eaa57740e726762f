using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Descriptions;

/// <summary>Checks statements against both versions' debug information, and notes what is wrong with its place, cause and cure.</summary>
internal sealed class DescriptionChecker
{
    private readonly DebugFile _new;
    private readonly List<DescriptionError> _errors;
    private readonly PlaceResolver _before, _after;
    private readonly ExpressionResolver _expressions;
    private readonly RenameChecker _renames;
    private readonly Hints _hints = new();
    private readonly Dictionary<string, string> _functions = [];
    private readonly List<(string Name, Position At)> _converters = [];
    private readonly HashSet<(string, object, string)> _said = [];

    private DescriptionChecker(DebugFile old, DebugFile @new, List<DescriptionError> errors)
    {
        (_new, _errors) = (@new, errors);
        (_before, _after) = (new PlaceResolver(old, "old", errors), new PlaceResolver(@new, "new", errors));
        _expressions = new ExpressionResolver(old, @new, errors);
        _renames = new RenameChecker(old, @new, _before, _after, _hints, _functions, errors);
    }

    internal static Description Check(IReadOnlyList<Statement> statements, string path, DebugFile old, DebugFile @new,
        List<DescriptionError> errors) =>
        new DescriptionChecker(old, @new, errors).Check(statements, path);

    private Description Check(IReadOnlyList<Statement> statements, string path)
    {
        _renames.Check(statements);
        foreach (var statement in statements) Check(statement);
        var endings = new EndingChecker(_before, _after, _errors);
        return new Description
        {
            Hints = _hints,
            RenamedFunctions = _functions,
            Calls = endings.Calls(statements),
            Resume = endings.Resume(statements),
            Threads = endings.Threads(statements),
            At = endings.At(statements),
            OnFailure = endings.OnFailure(statements),
            Converters = endings.Converters(statements, _converters, path),
        };
    }

    private void Check(Statement statement)
    {
        switch (statement)
        {
            case SetField s:
                CheckValue(s);
                break;
            case ConvertBy s when _after.Type(s.Type) is { } type:
                if (type.Bare is not RecordType { IsUnion: false })
                    Fail(s.Type.At, $"{type} is no struct: only structs are converted by a function");
                else if (!_hints.Converters.TryAdd(type.Bare, s.Function.Text)) Fail(s.At, $"{type} is converted by two functions");
                else _converters.Add((s.Function.Text, s.Function.At));
                break;
            case TypePointer s when _before.Place(s.Place) is { } place && Once("type", place, s.At):
                CheckTarget(s, place);
                break;
            case ValidMember s:
                CheckValid(s);
                break;
            case LengthOf s when _before.Place(s.Place) is { } place && Once("length", place, s.At):
                if (Innermost(place.Member.Type) is not PointerType && place.Member.Type.Bare is not ArrayType { Count: null or 0 })
                    Fail(s.Place.At, $"{s.Place} is {place.Member.Type}",
                        "a length is said of a pointer, or of an array without a length of its own");
                else if (_expressions.Resolve(s.Length, place.Owner) is { } length)
                {
                    if (length.IsFloating) Fail(s.Length.At, "a length is an integer, and this is a floating point number");
                    else _hints.Lengths[place.Key] = length.Value;
                }
                break;
            case KeepPointer s when _before.Place(s.Place) is { } place && Once("keep", place, s.At):
                if (Innermost(place.Member.Type) is not PointerType)
                    Fail(s.Place.At, $"{s.Place} is {place.Member.Type}, no pointer", "other values are kept anyway, unless their type changed");
                else _hints.Kept.Add(place.Key);
                break;
        }
    }

    private void CheckValue(SetField statement)
    {
        if (_after.Place(statement.Place) is not { } place || !Once("value", place, statement.At)) return;
        if (NumberForm.Of(place.Member.Type, place.Member.BitShift, place.Member.BitSize) is not { IsConvertible: true } form)
        {
            Fail(statement.Place.At, $"{statement.Place} is {place.Member.Type}: only numbers can be given a value",
                place.Member.Type.Bare is PointerType ? "a new pointer begins as null; a function can set it (convert … by …)"
                    : "a function can set it (convert … by …)");
            return;
        }

        if (Scope(place, statement.Place.At) is not { } scope || _expressions.Resolve(statement.Value, scope) is not { } value) return;
        if (value.IsFloating && !form.IsFloating)
            Fail(statement.Value.At, $"{statement.Place} is {place.Member.Type}, and this is a floating point number");
        else if (value.Value is Constant { Value: var number } && !form.Holds(number) && !form.IsFloating)
            Fail(statement.Value.At, $"{number} doesn't fit {statement.Place}, which holds {form.Range.Least} to {form.Range.Greatest}");
        else _hints.Values[place.Key] = value.Value;
    }

    /// <summary>The old struct or variable whose fields the expression for a new place is over.</summary>
    private object? Scope(ResolvedPlace place, Position at)
    {
        if (place.Owner is Variable variable)
            return _before.Global(_hints.OldGlobals.GetValueOrDefault(variable.Name, variable.Name), out var old) ? old ?? new object()
                : new object();
        var record = (RecordType)place.Owner;
        foreach (var (from, to) in _hints.Types)
            if (to == record) return from;
        var syntax = record.Tag is { } tag ? new TypeSyntax(new Word(record.IsUnion ? "union" : "struct", at), new Word(tag, at), 0)
            : record.TypedefName is { } name ? new TypeSyntax(null, new Word(name, at), 0) : null;
        if (syntax is null) return new object();
        return _before.Type(syntax)?.Bare;
    }

    private void CheckTarget(TypePointer statement, ResolvedPlace place)
    {
        if (Innermost(place.Member.Type) is not PointerType)
        {
            Fail(statement.Place.At, $"{statement.Place} is {place.Member.Type}, no pointer");
            return;
        }

        if (_before.Type(statement.Type) is not { } type) return;
        if (type.Bare is not PointerType { Target: var target })
        {
            Fail(statement.Type.At, $"{type} is no pointer", $"write: type {statement.Place} is {type} *");
            return;
        }

        var stars = 0;
        var inner = target;
        for (; inner.Bare is PointerType p; stars++) inner = p.Target;
        CType? now = inner.Bare is RecordType record ? _renames.Counterpart(record, statement.Type.At) : inner;
        for (var i = 0; now is not null && i < stars; i++) now = new PointerType(now);
        if (now is not null) _hints.Targets[place.Key] = (target, now);
    }

    private void CheckValid(ValidMember statement)
    {
        if (_before.Place(statement.Place) is not { } place || place.Record is not { } owner)
        {
            if (statement.Place.Fields.Count > 0) return;
            Fail(statement.Place.At, $"{statement.Place} is no field of a struct",
                "the field that says which member is valid stands beside the union, in the same struct");
            return;
        }

        /* A member of an anonymous union stands for that union. */
        var (field, union) = place.Member.Type.Bare is RecordType { IsUnion: true } u ? (place.Field, u)
            : owner.Members.FirstOrDefault(m => m.Name is null && m.Type.Bare is RecordType { IsUnion: true } a
                && a.Find(place.Field) is not null)?.Type.Bare is RecordType anonymous ? ("", anonymous)
            : (place.Field, null);
        if (union is null)
        {
            Fail(statement.Place.At, $"{statement.Place} is {place.Member.Type}, no union");
            return;
        }

        if (union.Find(statement.Member.Text) is null)
        {
            Fail(statement.Member.At, $"{union} has no member \"{statement.Member.Text}\"",
                Spelling.DidYouMean(statement.Member.Text, union.NamedMembers.Select(m => m.Name!)));
            return;
        }

        if (_expressions.Resolve(statement.Condition, owner) is not { } condition) return;
        var cases = _hints.Valid.GetValueOrDefault((owner, field), []);
        if (cases.Any(c => c.Member == statement.Member.Text))
            Fail(statement.At, $"when \"{statement.Member.Text}\" is valid is said twice", "join both conditions with ||");
        else _hints.Valid[(owner, field)] = [.. cases, (statement.Member.Text, condition.Value)];
    }

    private static CType Innermost(CType type)
    {
        while (type.Bare is ArrayType array) type = array.Element;
        return type.Bare;
    }

    private bool Once(string what, ResolvedPlace place, Position at)
    {
        if (_said.Add((what, place.Owner, place.Field))) return true;
        Fail(at, $"this is said twice of {(place.Field.Length > 0 ? $"{place.Owner}.{place.Field}" : place.Owner)}");
        return false;
    }

    private void Fail(Position at, string cause, string? cure = null) => _errors.Add(new DescriptionError(at, cause, cure));
}
