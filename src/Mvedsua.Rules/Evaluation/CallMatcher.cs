using System.Globalization;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Evaluation;

/// <summary>Tests one event, or one call of a follower, against a call of a rule.</summary>
internal static class CallMatcher
{
    private const int Shown = 60; // characters of a buffer in an explanation

    /// <summary>Whether all tests hold. Captures get their values also where one doesn't: use a copy.</summary>
    /// <param name="call">What the rule says.</param>
    /// <param name="record">What happened.</param>
    /// <param name="bindings">Captures and stored values.</param>
    /// <param name="source">The leader's event that a follower's call gets its result from; null: none.</param>
    /// <param name="why">Gets the reason of a failure; null: nobody wants to know.</param>
    internal static bool Matches(CheckedCall call, CallRecord record, Bindings bindings, CallRecord? source, Reason? why)
    {
        if (call.Row != record.Row) return why?.Fail($"{record.Row.Name} is not {call.Row.Name}") ?? false;
        foreach (var test in call.Tests)
        {
            if (test is SourceTest)
            {
                if (Equality.Difference(source!, record, test.Field.Argument) is { } difference) return why?.Fail(difference) ?? false;
            }
            else if (!Holds(test, record, bindings, why))
            {
                return false;
            }
        }
        return true;
    }

    private static bool Holds(Test test, CallRecord record, Bindings bindings, Reason? why)
    {
        switch (test)
        {
            case SuccessTest:
                if (record.Failed) return why?.Fail($"{record.Row.Name} failed; only '= ...' matches a failure") ?? false;
                if (ArgumentFacts.SendsBytes(record.Row) && record.Result is { } sent && sent != record.SentBytes)
                    return why?.Fail($"only {Decimal(sent)} of {Decimal(record.SentBytes)} bytes went out; only '= ...' matches that") ?? false;
                return true;
            case NumberTest number:
                return NumberOf(test.Field, record) is { } left && bindings.Number(number.Value) is { } right && Bindings.Compare(left, number.Comparison, right)
                    || (why?.Fail($"{Name(test.Field, record)} is {Show(NumberOf(test.Field, record))}, not {Symbol(number.Comparison)}{Show(bindings.Number(number.Value))}") ?? false);
            case NumberCapture capture:
                if (NumberOf(test.Field, record) is not { } value) return why?.Fail($"{Name(test.Field, record)} has no value") ?? false;
                if (bindings[capture.Slot] is { } known && known.Number != value)
                    return why?.Fail($"{Name(test.Field, record)} is {Decimal(value)}, not {Decimal(known.Number)} as before") ?? false;
                bindings[capture.Slot] = new(value, null);
                return true;
            default:
                return HoldsForBytes(test, record, bindings, why);
        }
    }

    private static bool HoldsForBytes(Test test, CallRecord record, Bindings bindings, Reason? why)
    {
        var memory = test.Field.Kind == FieldKind.Sent ? record.Sent : record.Received;
        if (memory[test.Field.Argument] is not { } bytes) return why?.Fail($"{Name(test.Field, record)} has no memory") ?? false;
        switch (test)
        {
            case BytesTest pattern:
                return BufferMatcher.Match(bytes, pattern.Parts, bindings)
                    || (why?.Fail($"{Name(test.Field, record)} is {Show(bytes)}, not {PatternText.Of(pattern.Parts, bindings)}") ?? false);
            case AppendTest append:
                bindings[append.Slot] = new(0, [.. bindings[append.Slot]?.Bytes ?? [], .. bytes]);
                return true;
            case TakeTest take:
                var rest = bindings[take.Slot]?.Bytes ?? [];
                if (bytes.Length == 0 || !rest.AsSpan().StartsWith(bytes))
                    return why?.Fail($"{Name(test.Field, record)} is {Show(bytes)}, no piece of {Show(rest)}") ?? false;
                bindings[take.Slot] = new(0, rest[bytes.Length..]);
                return true;
            default:
                throw new InvalidOperationException($"no such test: {test}");
        }
    }

    private static long? NumberOf(Field field, CallRecord record) =>
        field.Kind == FieldKind.Result ? record.Result : record.Number(field.Argument);

    private static string Name(Field field, CallRecord record) =>
        field.Kind == FieldKind.Result ? "the result" : record.Row.Arguments[field.Argument].Name;

    private static string Decimal(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Show(long? number) => number is { } known ? Decimal(known) : "known";

    internal static string Show(byte[] bytes) =>
        bytes.Length <= Shown ? QuotedText.Quote(bytes) : QuotedText.Quote(bytes.AsSpan(0, Shown)) + "...";

    private static string Symbol(Comparison comparison) => comparison switch
    {
        Comparison.Equal => "",
        Comparison.NotEqual => "!= ",
        Comparison.Less => "< ",
        Comparison.LessOrEqual => "<= ",
        Comparison.Greater => "> ",
        _ => ">= ",
    };
}

/// <summary>Prints a buffer pattern with the values that its captures have.</summary>
internal static class PatternText
{
    internal static string Of(IReadOnlyList<Part> parts, Bindings bindings) => string.Join(' ', parts.Select(part => part switch
    {
        TextPart { IgnoresCase: true } text => QuotedText.Quote(text.Bytes) + "i",
        CapturePart { Class: not ByteClass.Any } capture when bindings.BytesOf(part) is null => $"({Name(capture.Class)})",
        _ => bindings.BytesOf(part) is { } bytes ? CallMatcher.Show(bytes) : "*",
    }));

    internal static string Name(ByteClass class_) => class_ switch
    {
        ByteClass.Line => "line",
        ByteClass.Word => "word",
        ByteClass.Digits => "digits",
        ByteClass.Number => "number",
        ByteClass.Hex => "hex",
        _ => "any",
    };
}
