using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Descriptions;

/// <summary>Gives the names of an expression their meaning.</summary>
/// <param name="old">The old version.</param>
/// <param name="new">The new version.</param>
/// <param name="errors">Where errors are noted.</param>
internal sealed class ExpressionResolver(DebugFile old, DebugFile @new, List<DescriptionError> errors)
{
    private static readonly string[] s_forIntegers = ["%", "&", "|", "^", "<<", ">>"];

    /// <param name="syntax">As written.</param>
    /// <param name="scope">The old struct whose fields may be named; or the old global, by its own name.</param>
    /// <returns>Null when an error was noted.</returns>
    internal (Expression Value, bool IsFloating)? Resolve(ExpressionSyntax syntax, object? scope)
    {
        switch (syntax)
        {
            case NumberSyntax n:
                return (new Constant(n.Value), n.Value.IsFloating);
            case NameSyntax n:
                return ResolveName(n, scope);
            case UnarySyntax u:
                if (Resolve(u.Operand, scope) is not { } operand) return null;
                if (u.Operator == "~" && operand.IsFloating) return Fail(u.At, "~ is for integers, and this is a floating point number");
                return (new Unary(u.Operator, operand.Value), operand.IsFloating && u.Operator == "-");
            case ConditionalSyntax c:
                var (condition, then, otherwise) = (Resolve(c.Condition, scope), Resolve(c.Then, scope), Resolve(c.Otherwise, scope));
                if (condition is null || then is null || otherwise is null) return null;
                return (new Conditional(condition.Value.Value, then.Value.Value, otherwise.Value.Value), then.Value.IsFloating
                    || otherwise.Value.IsFloating);
            case BinarySyntax b:
                return ResolveBinary(b, scope);
            default:
                throw new ArgumentOutOfRangeException(nameof(syntax));
        }
    }

    private (Expression, bool)? ResolveBinary(BinarySyntax syntax, object? scope)
    {
        var (left, right) = (Resolve(syntax.Left, scope), Resolve(syntax.Right, scope));
        if (left is not { } l || right is not { } r) return null;
        var isFloating = l.IsFloating || r.IsFloating;
        if (isFloating && s_forIntegers.Contains(syntax.Operator))
            return Fail(syntax.At, $"{syntax.Operator} is for integers, and one side is a floating point number");
        if (syntax.Operator is "/" or "%" && r.Value is Constant { Value: { IsFloating: false, Whole: var divisor } } && divisor == 0)
            return Fail(syntax.Right.At, "division by zero");
        return (new Binary(syntax.Operator, l.Value, r.Value), isFloating && syntax.Operator is "+" or "-" or "*" or "/" && isFloating);
    }

    private (Expression, bool)? ResolveName(NameSyntax syntax, object? scope)
    {
        var first = syntax.Names[0];
        if (syntax.Version is null)
        {
            if (scope is RecordType record && record.Find(first.Text) is { } member) return Field(syntax, member, 1);
            if (scope is Variable variable && variable.Name == first.Text) return Field(syntax, new Member(variable.Name, variable.Type, 0), 1);
        }

        if (syntax.Version is null && new PlaceResolver(old, "old", errors).Global(first.Text, out var global) && global is not null)
            return Field(syntax, new Member(global.Name, global.Type, 0), 1) is (FieldValue place, var isFloating)
                ? (new GlobalValue(global, place.Offset, place.Form), isFloating) : null;
        if (syntax.Names.Count > 1)
            return Fail(first.At, scope is RecordType r ? $"{r} has no field \"{first.Text}\" in the old version"
                : $"\"{first.Text}\" is not known here", Suggest(first.Text, scope));
        var (hasOld, before) = (old.Enumerators.TryGetValue(first.Text, out var o), o);
        var (hasNew, after) = (@new.Enumerators.TryGetValue(first.Text, out var n), n);
        (hasOld, hasNew) = (hasOld && syntax.Version != "new", hasNew && syntax.Version != "old");
        if (hasOld && hasNew && before != after)
            return Fail(first.At, $"{first.Text} is {before} in the old version and {after} in the new one",
                $"write: old {first.Text}, or: new {first.Text}");
        if (hasOld || hasNew) return (new Constant(NumberValue.Of((Int128)(hasOld ? before : after))), false);
        return Fail(first.At, scope is RecordType owner
            ? $"{owner} has no field \"{first.Text}\" in the old version, and no global or enumerator is called so"
            : $"\"{first.Text}\" is not known here",
            Suggest(first.Text, scope) ?? "names of #define are not in the debug information: write their number");
    }

    private string? Suggest(string name, object? scope) => Spelling.DidYouMean(name, (scope switch
    {
        RecordType r => r.NamedMembers.Select(m => m.Name!),
        Variable v => [v.Name],
        _ => [],
    }).Concat(old.Variables.Where(v => v.Function is null).Select(v => v.Name)).Concat(old.Enumerators.Keys).Concat(@new.Enumerators.Keys));

    private (Expression, bool)? Field(NameSyntax syntax, Member member, int next)
    {
        for (; next < syntax.Names.Count; next++)
        {
            var name = syntax.Names[next];
            if (member.Type.Bare is not RecordType inner)
                return Fail(name.At, $"{member.Name} is {member.Type}, which has no fields", member.Type.Bare is PointerType
                    ? "what a pointer points to can't be read here: use a function (convert … by …)" : null);
            if (inner.Find(name.Text) is not { } found)
                return Fail(name.At, $"{inner} has no field \"{name.Text}\" in the old version",
                    Spelling.DidYouMean(name.Text, inner.NamedMembers.Select(m => m.Name!)));
            member = found.Moved(member.Offset);
        }

        NumberForm? form = member.Type.Bare is PointerType ? new NumberForm(BaseKind.UnsignedNumber, 8)
            : NumberForm.Of(member.Type, member.BitShift, member.BitSize);
        if (form is not { IsConvertible: true } number)
            return Fail(syntax.At, $"{string.Join('.', syntax.Names.Select(w => w.Text))} is {member.Type}, which is no number",
                "use a function (convert … by …)");
        return (new FieldValue(string.Join('.', syntax.Names.Select(w => w.Text)), member.Offset, number), number.IsFloating);
    }

    private (Expression, bool)? Fail(Position at, string cause, string? cure = null)
    {
        errors.Add(new DescriptionError(at, cause, cure));
        return null;
    }
}
