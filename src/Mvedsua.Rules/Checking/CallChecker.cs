using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>A call of the leader that one of the follower gets its result and memory from.</summary>
/// <param name="Step">Index among the leader's steps.</param>
/// <param name="Row">The call.</param>
/// <param name="OnlySuccess">The rule takes it only when it succeeded.</param>
internal sealed record SourceCall(int Step, CallRow Row, bool OnlySuccess);

/// <summary>Checks calls against the call table.</summary>
internal sealed class CallChecker(RuleContext context, ValueChecker values)
{
    /// <summary>An event of the leader.</summary>
    internal CheckedCall? Leader(CallSyntax call)
    {
        if (RowOf(call) is not { } row) return null;
        if (call.IsExecuted) context.Complain(call.At, "the leader has made its calls already", "'exec' stands on the follower's side");
        if (call.Label is { } label) context.Label(label, row);
        var tests = new List<Test>();
        foreach (var (argument, index) in Arguments(call, row)) Test(argument, row, index, tests);
        if (call.Result is null) tests.Add(new SuccessTest(call.Name.At));
        else if (call.Result.Kind != PatternKind.Any) ResultTest(call.Result, tests);
        if (call.Label is not null) CaptureFields(call.Label, row, tests);
        return new(call.At, row, false, tests, [], null, DefaultResult.None, -1);
    }

    /// <summary>A call of the follower.</summary>
    /// <param name="call">What was written.</param>
    /// <param name="source">The leader's event of the same name, if there is one.</param>
    internal CheckedCall? Follower(CallSyntax call, SourceCall? source)
    {
        if (RowOf(call) is not { } row) return null;
        if (call.Label is { } label) context.Complain(label.At, "labels stand on the leader's side", "capture what the follower's call has, as $name");
        var tests = new List<Test>();
        var gifts = new List<Gift>();
        foreach (var (argument, index) in Arguments(call, row))
        {
            if (ArgumentFacts.IsReceived(row.Arguments[index]) && argument.Pattern.Kind != PatternKind.Any) Give(call, argument, row, index, gifts);
            else Test(argument, row, index, tests);
        }
        if (call.IsExecuted) return Executed(call, row, tests);
        if (source is not null) SameAsSource(call, row, tests);
        var result = ResultValue(call);
        var fails = result is ConstantValue { Number: < 0 };
        var fallback = result is null ? DefaultOf(call, row, gifts, source) : DefaultResult.None;
        if (!fails && source is null) ComplainOfMissing(call, row, gifts);
        return new(call.At, row, false, tests, gifts, result, fallback, source?.Step ?? -1);
    }

    // What a rule leaves out is compared as if no rule were there. The length of bytes that the rule names says nothing more.
    private static void SameAsSource(CallSyntax call, CallRow row, List<Test> tests)
    {
        var named = new bool[row.Arguments.Count];
        for (var place = 0; place < call.Arguments.Count; place++)
        {
            var index = call.Arguments[place].Name is { } name ? IndexOf(row, name.Text) : place;
            if (index < 0 || index >= named.Length) continue;
            named[index] = true;
            if (ArgumentFacts.IsSent(row.Arguments[index]) && ArgumentFacts.LengthOf(row.Arguments[index]) is >= 0 and var length) named[length] = true;
        }
        for (var i = 0; i < named.Length; i++)
        {
            if (named[i]) continue;
            if (row.Arguments[i].IsScalar) tests.Add(new SourceTest(call.At, new(FieldKind.Number, i)));
            else if (ArgumentFacts.IsSent(row.Arguments[i])) tests.Add(new SourceTest(call.At, new(FieldKind.Sent, i)));
        }
    }

    private CheckedCall Executed(CallSyntax call, CallRow row, List<Test> tests)
    {
        if (!ArgumentFacts.IsHarmless(row))
            context.Complain(call.Name.At, $"a follower must not make '{row.Name}': it would be seen outside", "say what it returns instead, as in 'nothing => close($fd) = 0'");
        if (call.Result is not null) context.Complain(call.Result.At, "the result is that of the call which the follower makes", "leave it out, or leave 'exec' out");
        return new(call.At, row, true, tests, [], null, DefaultResult.None, -1);
    }

    private CallRow? RowOf(CallSyntax call)
    {
        var name = call.Name.Text;
        if (CallTable.ByName(name) is not { } row)
        {
            context.Complain(call.Name.At, $"no call is named '{name}'", Suggestion.For(name, CallTable.All.Where(IsSeen).Select(known => known.Name)));
            return null;
        }
        if (row.Class == CallClass.Local) context.Complain(call.Name.At, $"each version makes '{name}' for itself; no rule ever sees it", "leave it out");
        if (row.Class == CallClass.Refused) context.Complain(call.Name.At, $"'{name}' is refused in every version; no rule ever sees it", "leave it out");
        return row;
    }

    private static bool IsSeen(CallRow row) => row.Class is CallClass.Replayed or CallClass.Both;

    private List<(ArgumentSyntax Syntax, int Index)> Arguments(CallSyntax call, CallRow row)
    {
        var found = new List<(ArgumentSyntax, int)>();
        var seen = 0;
        for (var place = 0; place < call.Arguments.Count; place++)
        {
            var argument = call.Arguments[place];
            var index = argument.Name is { } name ? IndexOf(row, name.Text) : place;
            if (index < 0 || index >= row.Arguments.Count)
            {
                var signature = $"{row.Name}({string.Join(", ", row.Arguments.Select(a => a.Name))})";
                if (argument.Name is { } wrong) context.Complain(wrong.At, $"'{row.Name}' has no argument '{wrong.Text}'", Suggestion.For(wrong.Text, row.Arguments.Select(a => a.Name)) ?? signature);
                else context.Complain(argument.At, $"'{row.Name}' has {row.Arguments.Count} arguments", signature);
                continue;
            }
            if ((seen >> index & 1) != 0) context.Complain(argument.At, $"'{row.Arguments[index].Name}' stands here twice");
            seen |= 1 << index;
            found.Add((argument, index));
        }
        return found;
    }

    private static int IndexOf(CallRow row, string name)
    {
        for (var i = 0; i < row.Arguments.Count; i++)
            if (row.Arguments[i].Name == name) return i;
        return -1;
    }

    private void Test(ArgumentSyntax syntax, CallRow row, int index, List<Test> tests)
    {
        var (argument, pattern) = (row.Arguments[index], syntax.Pattern);
        if (pattern.Kind == PatternKind.Any) return;
        if (argument.IsScalar) NumberTest(pattern, argument, new(FieldKind.Number, index), tests);
        else if (argument.Kind == ArgumentKind.Ptr || argument.Structure.Opaque.Count > 0)
            context.Complain(pattern.At, $"'{argument.Name}' holds addresses, which mean something only inside one version", "write '_'");
        else if (!ArgumentFacts.IsReadable(argument))
            context.Complain(pattern.At, $"rules can't look into '{argument.Name}' of '{row.Name}'", "write '_'");
        else
            BytesTest(pattern, new(ArgumentFacts.IsSent(argument) ? FieldKind.Sent : FieldKind.Received, index), tests);
    }

    private void NumberTest(Pattern pattern, ArgumentRow? argument, Field field, List<Test> tests)
    {
        switch (pattern)
        {
            case { Kind: PatternKind.Compare }:
                tests.Add(new NumberTest(pattern.At, field, ValueChecker.ComparisonOf(pattern.Operator), values.Number(pattern.Parts[0], argument)));
                break;
            case { Kind: PatternKind.Parts, Parts: [CaptureExpression capture] }:
                if (capture.Class is { } word) context.Complain(word.At, "classes are for captures in buffers; this is a number", "leave the class out");
                tests.Add(new NumberCapture(pattern.At, field, context.Capture(capture.At, capture.Name, ValueType.Number)));
                break;
            case { Kind: PatternKind.Parts, Parts: [TextExpression or StarExpression] }:
                context.Complain(pattern.At, $"{(argument is null ? "the result" : $"'{argument.Name}'")} is a number, no buffer");
                break;
            case { Kind: PatternKind.Parts, Parts: [var value] }:
                tests.Add(new NumberTest(pattern.At, field, Comparison.Equal, values.Number(value, argument)));
                break;
            default:
                context.Complain(pattern.At, $"{(argument is null ? "the result" : $"'{argument.Name}'")} is one number", "write a constant, a capture, a comparison or '_'");
                break;
        }
    }

    private void ResultTest(Pattern pattern, List<Test> tests) => NumberTest(pattern, null, new(FieldKind.Result), tests);

    private void BytesTest(Pattern pattern, Field field, List<Test> tests)
    {
        switch (pattern.Kind)
        {
            case PatternKind.Append:
                var appended = (CaptureExpression)pattern.Parts[0];
                tests.Add(new AppendTest(pattern.At, field, context.Capture(appended.At, appended.Name, ValueType.Bytes)));
                break;
            case PatternKind.Take:
                var taken = (CaptureExpression)pattern.Parts[0];
                var slot = context.Use(taken.At, taken.Name);
                if (slot >= 0 && context.Slots[slot].Type != ValueType.Bytes) context.Complain(taken.At, $"${taken.Name} is a number, no buffer");
                context.Taken.Add(slot);
                tests.Add(new TakeTest(pattern.At, field, slot));
                break;
            case PatternKind.Compare:
                context.Complain(pattern.At, "a buffer can't be compared with a number", "length($x) in a 'where' is its length");
                break;
            default:
                tests.Add(new BytesTest(pattern.At, field, values.Pattern(pattern.Parts)));
                break;
        }
    }

    // A label's fields are captures of their own: "a.buf" is $a.buf, which no author can write.
    private void CaptureFields(Token label, CallRow row, List<Test> tests)
    {
        foreach (var (name, field) in context.Fields)
        {
            if (name != label.Text) continue;
            var slotName = $"{name}.{field}";
            if (field == "result")
            {
                tests.Add(new NumberCapture(label.At, new(FieldKind.Result), context.Capture(label.At, slotName, ValueType.Number)));
                continue;
            }
            var index = IndexOf(row, field);
            if (index < 0) continue; // its use complains
            var argument = row.Arguments[index];
            if (argument.IsScalar)
                tests.Add(new NumberCapture(label.At, new(FieldKind.Number, index), context.Capture(label.At, slotName, ValueType.Number)));
            else if (ArgumentFacts.IsReadable(argument))
                BytesTest(new(label.At, PatternKind.Parts, [new CaptureExpression(label.At, slotName, null)]),
                    new(ArgumentFacts.IsSent(argument) ? FieldKind.Sent : FieldKind.Received, index), tests);
        }
    }

    private void Give(CallSyntax call, ArgumentSyntax syntax, CallRow row, int index, List<Gift> gifts)
    {
        var (argument, pattern) = (row.Arguments[index], syntax.Pattern);
        if (call.IsExecuted) context.Complain(pattern.At, $"'{argument.Name}' is filled by the call that the follower makes", "write '_', or leave 'exec' out");
        else if (!ArgumentFacts.IsGivable(argument)) context.Complain(pattern.At, $"rules can't fill '{argument.Name}' of '{row.Name}'", "write '_': it is taken from the leader's event");
        else if (pattern.Kind != PatternKind.Parts) context.Complain(pattern.At, $"'{argument.Name}' is what the follower is given", "write the buffer: strings and captures");
        else gifts.Add(new(index, values.Template(pattern.Parts)));
    }

    private Value? ResultValue(CallSyntax call)
    {
        switch (call.Result)
        {
            case null:
                return null;
            case { Kind: PatternKind.Parts } result:
                return values.Number(result.Parts[0], null);
            default:
                context.Complain(call.Result.At, "what the follower's call returns must be one number");
                return new ConstantValue(call.Result.At, 0);
        }
    }

    private DefaultResult DefaultOf(CallSyntax call, CallRow row, List<Gift> gifts, SourceCall? source)
    {
        if (source is { OnlySuccess: false } && gifts.Count == 0) return DefaultResult.Source;
        if (row.Result == CallResult.Zero) return DefaultResult.Zero;
        if (ArgumentFacts.SendsBytes(row)) return DefaultResult.AllSent;
        if (row.Result == CallResult.Bytes && gifts.Count > 0) return DefaultResult.AllGiven;
        if (source is not null) return DefaultResult.Source;
        context.Complain(call.At, $"what '{row.Name}' returns is not said", $"write '{row.Name}(...) = VALUE'");
        return DefaultResult.Zero;
    }

    private void ComplainOfMissing(CallSyntax call, CallRow row, List<Gift> gifts)
    {
        for (var i = 0; i < row.Arguments.Count; i++)
        {
            var argument = row.Arguments[i];
            if (!ArgumentFacts.IsReceived(argument) || argument.When == ArgumentWhen.Lax || gifts.Exists(gift => gift.Argument == i)) continue;
            context.Complain(call.At, $"what '{argument.Name}' of '{row.Name}' holds afterwards is not said",
                ArgumentFacts.IsHarmless(row) ? "give it a buffer, or put 'exec' before the call" : "give it a buffer");
        }
    }
}
