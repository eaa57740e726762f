using Mvedsua.Update.Types;

namespace Mvedsua.Update.Descriptions;

/// <summary>A name as it was written, with its place.</summary>
public readonly record struct Word(string Text, Position At);

/// <summary>A type as it was written: <c>struct entry **</c>.</summary>
/// <param name="Kind">struct, union, enum; null for a typedef or a base type.</param>
/// <param name="Name">Tag or name.</param>
/// <param name="Stars">How many * follow.</param>
public sealed record TypeSyntax(Word? Kind, Word Name, int Stars)
{
    internal Position At => Kind is { } kind ? kind.At.To(Name.At) : Name.At;

    public override string ToString() => (Kind is { } kind ? kind.Text + " " : "") + Name.Text + (Stars > 0 ? " " + new string('*', Stars) : "");
}

/// <summary>A place as it was written: a type (or, by a bare name, a typedef or a global) and fields in it.</summary>
public sealed record PlaceSyntax(TypeSyntax Start, IReadOnlyList<Word> Fields)
{
    internal Position At => Fields.Count > 0 ? Start.At.To(Fields[^1].At) : Start.At;

    public override string ToString() => string.Join('.', [Start.ToString(), .. Fields.Select(f => f.Text)]);
}

/// <summary>An expression as it was written.</summary>
public abstract record ExpressionSyntax(Position At);

/// <summary>A number or character.</summary>
public sealed record NumberSyntax(NumberValue Value, Position At) : ExpressionSyntax(At);

/// <summary>A field, possibly of a field; or an enumerator.</summary>
/// <param name="Version">"old" or "new" when it was said which version's enumerator is meant.</param>
/// <param name="Names">At least one.</param>
public sealed record NameSyntax(string? Version, IReadOnlyList<Word> Names, Position At) : ExpressionSyntax(At);

/// <summary>-x, !x, ~x.</summary>
public sealed record UnarySyntax(string Operator, ExpressionSyntax Operand, Position At) : ExpressionSyntax(At);

/// <summary>Two operands.</summary>
public sealed record BinarySyntax(string Operator, ExpressionSyntax Left, ExpressionSyntax Right, Position At) : ExpressionSyntax(At);

/// <summary>condition ? then : otherwise.</summary>
public sealed record ConditionalSyntax(ExpressionSyntax Condition, ExpressionSyntax Then, ExpressionSyntax Otherwise, Position At)
    : ExpressionSyntax(At);

/// <summary>A statement as it was written.</summary>
public abstract record Statement(Position At);

/// <summary>rename TYPE to TYPE.</summary>
public sealed record RenameType(TypeSyntax Old, TypeSyntax New, Position At) : Statement(At);

/// <summary>rename PLACE to NAME.</summary>
public sealed record RenameField(PlaceSyntax Old, Word New, Position At) : Statement(At);

/// <summary>rename global|function NAME to NAME.</summary>
public sealed record RenameSymbol(bool IsFunction, Word Old, Word New, Position At) : Statement(At);

/// <summary>init PLACE = EXPRESSION, convert PLACE = EXPRESSION.</summary>
public sealed record SetField(bool IsInit, PlaceSyntax Place, ExpressionSyntax Value, Position At) : Statement(At);

/// <summary>convert TYPE by FUNCTION.</summary>
public sealed record ConvertBy(TypeSyntax Type, Word Function, Position At) : Statement(At);

/// <summary>converters "FILE" [with "FLAGS"].</summary>
public sealed record ConverterFile(Word File, Word? Flags, Position At) : Statement(At);

/// <summary>type PLACE is TYPE.</summary>
public sealed record TypePointer(PlaceSyntax Place, TypeSyntax Type, Position At) : Statement(At);

/// <summary>valid PLACE is MEMBER when EXPRESSION.</summary>
public sealed record ValidMember(PlaceSyntax Place, Word Member, ExpressionSyntax Condition, Position At) : Statement(At);

/// <summary>length PLACE is EXPRESSION.</summary>
public sealed record LengthOf(PlaceSyntax Place, ExpressionSyntax Length, Position At) : Statement(At);

/// <summary>keep PLACE.</summary>
public sealed record KeepPointer(PlaceSyntax Place, Position At) : Statement(At);

/// <summary>resume FUNCTION(ARGUMENTS).</summary>
public sealed record ResumeAt(Word Function, IReadOnlyList<ArgumentSyntax> Arguments, Position At) : Statement(At);

/// <summary>call FUNCTION(ARGUMENTS).</summary>
public sealed record CallStatement(Word Function, IReadOnlyList<ArgumentSyntax> Arguments, Position At) : Statement(At);

/// <summary>An argument: a global or a field of one, the address of one, or a number.</summary>
public sealed record ArgumentSyntax(bool IsAddress, IReadOnlyList<Word> Names, NumberValue Number, Position At);

/// <summary>thread FUNCTION restarts at FUNCTION, thread FUNCTION ends.</summary>
public sealed record ThreadStatement(Word Function, Word? RestartsAt, Position At) : Statement(At);

/// <summary>update at NAME: the call, or the named point, in which the update is made.</summary>
public sealed record UpdateAt(Word Name, bool IsPoint, Position At) : Statement(At);

/// <summary>on failure rollback, on failure retry N every N ms.</summary>
public sealed record OnFailure(int Retries, int EveryMilliseconds, Position At) : Statement(At);
