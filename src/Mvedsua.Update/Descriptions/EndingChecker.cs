using Mvedsua.Abi;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Descriptions;

/// <summary>Checks what is said about how the update is begun and how the new version goes on.</summary>
internal sealed class EndingChecker(PlaceResolver before, PlaceResolver after, List<DescriptionError> errors)
{
    internal FunctionCall? Resume(IReadOnlyList<Statement> statements) =>
        Only<ResumeAt>(statements, "resume") is { } statement ? Call(statement.Function, statement.Arguments) : null;

    internal IReadOnlyList<FunctionCall> Calls(IReadOnlyList<Statement> statements) =>
        [.. statements.OfType<CallStatement>().Select(s => Call(s.Function, s.Arguments)).OfType<FunctionCall>()];

    private FunctionCall? Call(Word name, IReadOnlyList<ArgumentSyntax> given)
    {
        if (after.Function(name) is not { } function) return null;
        var type = function.Type;
        if (given.Count != type.Parameters.Count && !(type.IsVariadic && given.Count > type.Parameters.Count))
        {
            Fail(name.At, $"{function} takes {Arguments(type.Parameters.Count)}, not {given.Count}");
            return null;
        }

        if (given.Count > 6) Fail(given[6].At, "more than six arguments are not supported", "name a function that takes fewer");
        var arguments = given.Select((a, i) => Argument(a, i < type.Parameters.Count ? type.Parameters[i] : null)).ToList();
        return arguments.Contains(null) ? null : new FunctionCall(function, arguments!);
    }

    internal IReadOnlyList<ThreadRule> Threads(IReadOnlyList<Statement> statements)
    {
        var rules = new List<ThreadRule>();
        foreach (var statement in statements.OfType<ThreadStatement>())
        {
            if (before.Function(statement.Function) is null || (statement.RestartsAt is { } start && after.Function(start) is null)) continue;
            if (rules.Exists(r => r.Start == statement.Function.Text))
                Fail(statement.At, $"what becomes of the threads of {statement.Function.Text} is said twice");
            else rules.Add(new ThreadRule(statement.Function.Text, statement.RestartsAt?.Text));
        }
        return rules;
    }

    internal UpdatePoint? At(IReadOnlyList<Statement> statements)
    {
        if (Only<UpdateAt>(statements, "update") is not { } statement) return null;
        if (statement.IsPoint && System.Text.Encoding.UTF8.GetByteCount(statement.Name.Text) >= MvAbi.PointName)
            Fail(statement.Name.At, $"the name of an update point has at most {MvAbi.PointName - 1} bytes");
        return new UpdatePoint(statement.Name.Text, statement.IsPoint);
    }

    internal FailurePolicy OnFailure(IReadOnlyList<Statement> statements) =>
        Only<OnFailure>(statements, "on failure") is { } statement
            ? new FailurePolicy(statement.Retries, TimeSpan.FromMilliseconds(statement.EveryMilliseconds)) : default;

    internal ConverterSource? Converters(IReadOnlyList<Statement> statements, IReadOnlyList<(string Name, Position At)> functions, string path)
    {
        if (Only<ConverterFile>(statements, "converters") is not { } statement)
        {
            foreach (var (name, at) in functions) Fail(at, $"where {name}() stands is not said", "add the line: converters \"FILE.c\"");
            return null;
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var file = Path.GetFullPath(statement.File.Text, folder);
        if (!File.Exists(file))
        {
            Fail(statement.File.At, $"there is no file {file}");
            return null;
        }
        return new ConverterSource(file, folder, statement.Flags?.Text ?? "", functions.Select(f => f.Name).Distinct().ToList());
    }

    private CallArgument? Argument(ArgumentSyntax syntax, CType? parameter)
    {
        if (syntax.Names.Count == 0)
        {
            if (syntax.Number.IsFloating || syntax.Number.Whole < long.MinValue || syntax.Number.Whole > ulong.MaxValue)
                return Fail(syntax.At, "only integers of 64 bits can be passed");
            return parameter is { Bare: BaseType { IsInteger: true } or EnumType or PointerType } or null
                ? new CallArgument(null, 0, false, default, unchecked((long)(ulong)(Int128)syntax.Number.Whole))
                : Fail(syntax.At, $"the parameter is {parameter}, and this is a number");
        }

        var start = new TypeSyntax(null, syntax.Names[0], 0);
        if (!after.Global(syntax.Names[0].Text, out var variable) || variable is null)
        {
            after.Place(new PlaceSyntax(start, [])); /* notes the error */
            return null;
        }

        var (type, offset) = (variable.Type, 0ul);
        foreach (var name in syntax.Names.Skip(1))
        {
            if (type.Bare is not RecordType record) return Fail(name.At, $"{type} has no fields");
            if (record.Find(name.Text) is not { } member)
                return Fail(name.At, $"{record} has no field \"{name.Text}\" in the new version",
                    Spelling.DidYouMean(name.Text, record.NamedMembers.Select(m => m.Name!)));
            if (member.IsBitField) return Fail(name.At, "a bit-field can't be passed");
            (type, offset) = (member.Type, offset + member.Offset);
        }

        /* An array is passed as the address of its first element, as in C. */
        var isAddress = syntax.IsAddress || type.Bare is ArrayType;
        CType passed = syntax.IsAddress ? new PointerType(type) : type.Bare is ArrayType array ? new PointerType(array.Element) : type;
        if (parameter is not null && !Fits(passed, parameter))
            return Fail(syntax.At, $"the parameter is {parameter}, and this is {passed}", passed.Bare is not PointerType
                && parameter.Bare is PointerType ? $"did you mean &{string.Join('.', syntax.Names.Select(n => n.Text))}?" : null);
        if (isAddress) return new CallArgument(variable, offset, true, default, 0);
        NumberForm? form = passed.Bare is PointerType ? new NumberForm(BaseKind.UnsignedNumber, 8) : NumberForm.Of(passed);
        return form is { IsFloating: false, Size: <= 8 } number ? new CallArgument(variable, offset, false, number, 0)
            : Fail(syntax.At, $"{passed} can't be passed: only integers and pointers can");
    }

    private static bool Fits(CType passed, CType parameter) => (passed.Bare, parameter.Bare) switch
    {
        (PointerType a, PointerType b) => a.IsOpaque || b.IsOpaque || a.Target.Bare == b.Target.Bare
            || (a.Target.Bare is not RecordType && a.Target.Bare.ToString() == b.Target.Bare.ToString()),
        (BaseType { IsInteger: true } or EnumType, BaseType { IsInteger: true } or EnumType) => true,
        _ => false,
    };

    private static string Arguments(int count) => count == 1 ? "one argument" : $"{count} arguments";

    private T? Only<T>(IReadOnlyList<Statement> statements, string what) where T : Statement
    {
        var all = statements.OfType<T>().ToList();
        if (all.Count > 1) Fail(all[1].At, $"\"{what}\" is said twice", $"it is said in line {all[0].At.Line} already");
        return all.FirstOrDefault();
    }

    private CallArgument? Fail(Position at, string cause, string? cure = null)
    {
        errors.Add(new DescriptionError(at, cause, cure));
        return null;
    }
}
