using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

// What the checker makes of the syntax: names are looked up, types agree, captures have slots. The reference evaluator
// and the compiler both read this and nothing else.

/// <summary>A set of rules that passed the checker. Immutable, safe from any thread.</summary>
public sealed class RuleSet
{
    internal RuleSet(IReadOnlyList<CheckedRule> rules, IReadOnlyList<BeginMark> begins, IReadOnlyList<StoreSlot> stores, IReadOnlyList<LineMap> maps) =>
        (Rules, Begins, Stores, Maps) = (rules, begins, stores, maps);

    /// <summary>Names of the rules, in file order.</summary>
    public IEnumerable<string> Names => Rules.Select(rule => rule.Name);

    internal IReadOnlyList<CheckedRule> Rules { get; }

    internal IReadOnlyList<BeginMark> Begins { get; }

    internal IReadOnlyList<StoreSlot> Stores { get; }

    internal IReadOnlyList<LineMap> Maps { get; }
}

internal enum ValueType
{
    Number,
    Bytes,
}

internal sealed record StoreSlot(string Name, ValueType Type);

/// <summary>What stands behind a capture; its name is kept for explanations.</summary>
internal sealed record Slot(string Name, ValueType Type);

internal enum RuleKind
{
    /// <summary>Events and calls: tried before leader and follower are compared.</summary>
    Pairing,

    /// <summary>Events without calls: tried where they differ.</summary>
    Dropping,

    /// <summary>Calls without events: tried where they differ.</summary>
    Adding,
}

internal sealed record CheckedRule(
    int Index,
    string Name,
    SourcePosition At,
    ThreadScope Scope,
    IReadOnlyList<CheckedStep> Leader,
    IReadOnlyList<CheckedStep> Follower,
    IReadOnlyList<Condition> Conditions,
    IReadOnlyList<(int Store, Value Value)> Stored,
    IReadOnlyList<Slot> Slots)
{
    internal RuleKind Kind => Leader.Count == 0 ? RuleKind.Adding : Follower.Count == 0 ? RuleKind.Dropping : RuleKind.Pairing;
}

internal sealed record BeginMark(ThreadScope Scope, CheckedCall Leader, CheckedCall Follower);

/// <param name="Calls">One call; or those of a repetition.</param>
internal sealed record CheckedStep(IReadOnlyList<CheckedCall> Calls, int Least, int Most)
{
    internal bool IsRepetition => Least != 1 || Most != 1 || Calls.Count != 1;
}

/// <param name="Tests">In the order in which they are made.</param>
/// <param name="Gifts">What the call of a follower gets in its memory.</param>
/// <param name="Result">What the call of a follower returns; null: see <paramref name="Default"/>.</param>
/// <param name="Source">The leader's step whose result and memory it gets where nothing is said; -1: none.</param>
internal sealed record CheckedCall(
    SourcePosition At,
    CallRow Row,
    bool IsExecuted,
    IReadOnlyList<Test> Tests,
    IReadOnlyList<Gift> Gifts,
    Value? Result,
    DefaultResult Default,
    int Source);

internal enum DefaultResult
{
    /// <summary>The rule says it, or the follower makes the call.</summary>
    None,

    /// <summary>0.</summary>
    Zero,

    /// <summary>All the bytes that the call sends.</summary>
    AllSent,

    /// <summary>As many bytes as it is given.</summary>
    AllGiven,

    /// <summary>The result of the source event.</summary>
    Source,
}

/// <summary>Memory of a follower's call.</summary>
internal sealed record Gift(int Argument, IReadOnlyList<Part> Parts);

internal enum FieldKind
{
    Number,
    Sent,
    Received,
    Result,
}

/// <summary>A part of a call that tests look at.</summary>
internal readonly record struct Field(FieldKind Kind, int Argument = 0);

internal enum Comparison
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

internal abstract record Test(SourcePosition At, Field Field);

internal sealed record NumberTest(SourcePosition At, Field Field, Comparison Comparison, Value Value) : Test(At, Field);

/// <summary>Captures the number; compares it when the capture has a value already.</summary>
internal sealed record NumberCapture(SourcePosition At, Field Field, int Slot) : Test(At, Field);

internal sealed record BytesTest(SourcePosition At, Field Field, IReadOnlyList<Part> Parts) : Test(At, Field);

internal sealed record AppendTest(SourcePosition At, Field Field, int Slot) : Test(At, Field);

internal sealed record TakeTest(SourcePosition At, Field Field, int Slot) : Test(At, Field);

/// <summary>Equal to the leader's event that the call gets its result from, as it is compared where no rule is in the way.</summary>
internal sealed record SourceTest(SourcePosition At, Field Field) : Test(At, Field);

/// <summary>No error; where bytes go out, all of them went.</summary>
internal sealed record SuccessTest(SourcePosition At) : Test(At, new(FieldKind.Result));

/// <summary>Classes of bytes that a capture takes.</summary>
internal enum ByteClass
{
    /// <summary>Any bytes, also none.</summary>
    Any,

    /// <summary>No carriage return nor line feed; also none.</summary>
    Line,

    /// <summary>At least one byte, no white space.</summary>
    Word,

    /// <summary>At least one of 0 to 9.</summary>
    Digits,

    /// <summary>Digits, or - and digits, that are a 64-bit number.</summary>
    Number,

    /// <summary>At least one of 0 to 9, a to f, A to F.</summary>
    Hex,
}

/// <summary>A part of a buffer.</summary>
internal abstract record Part(SourcePosition At);

internal sealed record TextPart(SourcePosition At, byte[] Bytes, bool IgnoresCase) : Part(At);

/// <summary>The bytes or the decimal number of a capture. In a pattern, a capture without a value takes one.</summary>
/// <param name="Slot">-1: the bytes are not kept (<c>*</c>).</param>
internal sealed record CapturePart(SourcePosition At, int Slot, ByteClass Class) : Part(At);

internal sealed record StorePart(SourcePosition At, int Store) : Part(At);

/// <summary>A buffer whose lines were changed by a map.</summary>
internal sealed record MappedPart(SourcePosition At, LineMap Map, Part Source) : Part(At);

/// <summary>What lines become. A line ends with a line feed; carriage return and line feed at its end are no part of what is
/// matched, and stay. Bytes behind the last line feed stay as well.</summary>
/// <param name="Index">Among the file's maps.</param>
/// <param name="Name">Its name.</param>
/// <param name="Lines">The first that matches wins; a line that none matches stays.</param>
internal sealed record LineMap(int Index, string Name, IReadOnlyList<MappedLine> Lines);

/// <param name="Pattern">Its captures are its own.</param>
/// <param name="Template">What the line becomes.</param>
/// <param name="Slots">How many captures it has.</param>
internal sealed record MappedLine(IReadOnlyList<Part> Pattern, IReadOnlyList<Part> Template, int Slots);

/// <summary>A number.</summary>
internal abstract record Value(SourcePosition At);

internal sealed record ConstantValue(SourcePosition At, long Number) : Value(At);

internal sealed record SlotValue(SourcePosition At, int Slot) : Value(At);

internal sealed record StoredValue(SourcePosition At, int Store) : Value(At);

/// <summary>The length of a buffer.</summary>
internal sealed record LengthValue(SourcePosition At, Part Bytes) : Value(At);

/// <summary>The number that a buffer holds in decimal digits.</summary>
internal sealed record ParsedValue(SourcePosition At, Part Bytes) : Value(At);

/// <summary>Modulo 2^64.</summary>
internal sealed record SumValue(SourcePosition At, Value Left, Value Right, bool IsDifference) : Value(At);

/// <summary>Only what a rule stores: a buffer.</summary>
internal sealed record BytesValue(SourcePosition At, Part Bytes) : Value(At);

internal abstract record Condition(SourcePosition At);

internal sealed record AllOf(SourcePosition At, Condition Left, Condition Right) : Condition(At);

internal sealed record AnyOf(SourcePosition At, Condition Left, Condition Right) : Condition(At);

internal sealed record Not(SourcePosition At, Condition Inner) : Condition(At);

internal sealed record NumberCondition(SourcePosition At, Value Left, Comparison Comparison, Value Right) : Condition(At);

/// <summary>A buffer is made of these parts; there are no captures to be made in them.</summary>
internal sealed record MatchCondition(SourcePosition At, Part Bytes, IReadOnlyList<Part> Parts) : Condition(At);
