namespace Mvedsua.Rules.Language;

// What the parser makes of a file: names are not looked up yet. Every node knows its place.

internal enum ScopeKind
{
    Everywhere,
    Main,
    Others,
    Numbered,
}

/// <summary>The threads that a rule is for. Threads are numbered in the order of their creation; the main one is 1.</summary>
internal readonly record struct ThreadScope(ScopeKind Kind, int Number = 0)
{
    internal bool Includes(int thread) => Kind switch
    {
        ScopeKind.Everywhere => true,
        ScopeKind.Main => thread == 1,
        ScopeKind.Others => thread != 1,
        _ => thread == Number,
    };

    internal bool Includes(ThreadScope other) => Kind switch
    {
        ScopeKind.Everywhere => true,
        ScopeKind.Main => other.Kind == ScopeKind.Main || other is { Kind: ScopeKind.Numbered, Number: 1 },
        ScopeKind.Others => other.Kind == ScopeKind.Others || (other.Kind == ScopeKind.Numbered && other.Number != 1),
        _ => other == this || (Number == 1 && other.Kind == ScopeKind.Main),
    };
}

internal abstract record Expression(SourcePosition At);

internal sealed record NumberExpression(SourcePosition At, long Value) : Expression(At);

/// <summary>A constant or several joined by <c>|</c>.</summary>
internal sealed record NamesExpression(SourcePosition At, IReadOnlyList<Token> Names) : Expression(At)
{
    internal string Text => string.Join('|', Names.Select(name => name.Text));
}

internal sealed record TextExpression(SourcePosition At, byte[] Bytes, bool IgnoresCase) : Expression(At);

/// <summary><c>$name</c> or <c>$name:class</c>.</summary>
internal sealed record CaptureExpression(SourcePosition At, string Name, Token? Class) : Expression(At);

/// <summary><c>@name</c>.</summary>
internal sealed record StoreExpression(SourcePosition At, string Name) : Expression(At);

/// <summary><c>label.field</c>: an argument of a labelled call, or its result.</summary>
internal sealed record FieldExpression(SourcePosition At, string Label, Token Field) : Expression(At);

/// <summary><c>*</c> in a buffer: any bytes.</summary>
internal sealed record StarExpression(SourcePosition At) : Expression(At);

internal sealed record FunctionExpression(SourcePosition At, string Name, Expression Operand) : Expression(At);

internal sealed record NegativeExpression(SourcePosition At, Expression Operand) : Expression(At);

/// <summary>+, -, comparisons, and, or.</summary>
internal sealed record BinaryExpression(SourcePosition At, string Operator, Expression Left, Expression Right) : Expression(At);

internal sealed record NotExpression(SourcePosition At, Expression Operand) : Expression(At);

internal sealed record MatchesExpression(SourcePosition At, Expression Value, IReadOnlyList<Expression> Parts) : Expression(At);

internal enum PatternKind
{
    /// <summary><c>_</c>.</summary>
    Any,

    /// <summary>A comparison with a number.</summary>
    Compare,

    /// <summary>A value; of a buffer, the parts that it is made of.</summary>
    Parts,

    /// <summary><c>+$x</c>: the buffer is put behind what $x holds already.</summary>
    Append,

    /// <summary><c>-$x</c>: the buffer is the next piece of $x.</summary>
    Take,
}

internal sealed record Pattern(SourcePosition At, PatternKind Kind, IReadOnlyList<Expression> Parts, string Operator = "");

/// <param name="Name">Null: by its place.</param>
internal sealed record ArgumentSyntax(SourcePosition At, Token? Name, Pattern Pattern);

internal abstract record StepSyntax(SourcePosition At);

internal sealed record CallSyntax(
    SourcePosition At, Token? Label, bool IsExecuted, Token Name, IReadOnlyList<ArgumentSyntax> Arguments, Pattern? Result) : StepSyntax(At);

internal sealed record RepetitionSyntax(SourcePosition At, int Least, int Most, IReadOnlyList<CallSyntax> Calls) : StepSyntax(At);

/// <param name="Steps">None: <c>nothing</c>.</param>
internal sealed record SideSyntax(SourcePosition At, IReadOnlyList<StepSyntax> Steps);

internal sealed record StoreSyntax(SourcePosition At, string Name, Expression Value);

internal sealed record RuleSyntax(
    SourcePosition At,
    string? Name,
    ThreadScope Scope,
    SideSyntax Leader,
    SideSyntax Follower,
    IReadOnlyList<Expression> Conditions,
    IReadOnlyList<StoreSyntax> Stores);

internal sealed record BeginSyntax(SourcePosition At, ThreadScope Scope, CallSyntax Leader, CallSyntax Follower);

/// <summary>One line of a <c>lines</c> block: what such a line becomes.</summary>
internal sealed record LineSyntax(SourcePosition At, IReadOnlyList<Expression> Pattern, IReadOnlyList<Expression> Template);

internal sealed record LinesSyntax(SourcePosition At, string Name, IReadOnlyList<LineSyntax> Lines);

internal sealed record FileSyntax(IReadOnlyList<RuleSyntax> Rules, IReadOnlyList<BeginSyntax> Begins, IReadOnlyList<LinesSyntax> Lines);
