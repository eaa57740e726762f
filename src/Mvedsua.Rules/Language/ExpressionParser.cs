namespace Mvedsua.Rules.Language;

/// <summary>Reads patterns, values and conditions for the parser.</summary>
internal sealed class ExpressionParser(Parser parser)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];
    private int _depth;

    /// <summary>An argument's pattern.</summary>
    internal Pattern Pattern()
    {
        var at = parser.Token.At;
        if (parser.TryTake("_")) return new(at, PatternKind.Any, []);
        if (Array.Find(Comparisons, parser.Is) is { } comparison)
        {
            parser.Take();
            return new(at, PatternKind.Compare, [Sum()], comparison);
        }
        if (parser.Is("+") || parser.Is("-"))
        {
            var sign = parser.Take();
            if (parser.Token.Kind == TokenKind.Capture)
            {
                var capture = parser.Take();
                return new(at, sign.Text == "+" ? PatternKind.Append : PatternKind.Take, [new CaptureExpression(capture.At, capture.Text, null)]);
            }
            if (sign.Text == "+") throw parser.Unexpected("a capture behind '+'");
            return new(at, PatternKind.Parts, [new NegativeExpression(at, Primary())]);
        }
        return Parts(at, []);
    }

    /// <summary>The parts of a buffer.</summary>
    internal IReadOnlyList<Expression> Buffer() => Parts(parser.Token.At, []).Parts;

    /// <summary>As <see cref="Pattern"/>, when its first word is taken already.</summary>
    internal Pattern PatternFrom(Token word) => Parts(word.At, [Word(word)]);

    /// <summary>What stands behind a call's <c>=</c>: a pattern on the leader's side, a value on the follower's.</summary>
    internal Pattern Result()
    {
        var at = parser.Token.At;
        if (parser.TryTake("_")) return new(at, PatternKind.Any, []);
        if (Array.Find(Comparisons, parser.Is) is { } comparison)
        {
            parser.Take();
            return new(at, PatternKind.Compare, [Sum()], comparison);
        }
        return new(at, PatternKind.Parts, [Sum()]);
    }

    internal Expression Condition()
    {
        var left = Conjunction();
        while (parser.Is("or")) left = new BinaryExpression(parser.Take().At, "or", left, Conjunction());
        return left;
    }

    /// <summary>A number or a buffer, with + and -.</summary>
    internal Expression Sum()
    {
        var left = Signed();
        for (var terms = 1; parser.Is("+") || parser.Is("-"); terms++)
        {
            if (terms == Limits.Depth) throw new RuleTextException(parser.Token.At, $"more than {Limits.Depth} terms");
            var sign = parser.Take();
            left = new BinaryExpression(sign.At, sign.Text, left, Signed());
        }
        return left;
    }

    private Pattern Parts(SourcePosition at, List<Expression> parts)
    {
        while (StartsPart())
        {
            if (parts.Count == Limits.Parts) throw new RuleTextException(parser.Token.At, $"a buffer of more than {Limits.Parts} parts");
            parts.Add(Primary());
        }
        if (parts.Count == 0) throw parser.Unexpected("a pattern", "'_' stands for anything");
        return new(at, PatternKind.Parts, parts);
    }

    private bool StartsPart() => parser.Token.Kind switch
    {
        TokenKind.Number or TokenKind.String or TokenKind.Capture or TokenKind.Store => true,
        TokenKind.Word => !parser.Is("_") && !IsKeyword(parser.Token.Text),
        _ => parser.Is("*"),
    };

    private static bool IsKeyword(string word) =>
        word is "rule" or "begin" or "thread" or "lines" or "where" or "store" or "and" or "or" or "not" or "matches" or "nothing" or "exec";

    private Expression Conjunction()
    {
        var left = Negation();
        while (parser.Is("and")) left = new BinaryExpression(parser.Take().At, "and", left, Negation());
        return left;
    }

    private Expression Negation()
    {
        if (!parser.Is("not")) return Comparison();
        var at = parser.Take().At;
        return Deeper(() => new NotExpression(at, Negation()));
    }

    private Expression Comparison()
    {
        if (parser.Is("("))
        {
            // Conditions have parentheses, sums have none: what opens here is a condition.
            parser.Take();
            var inner = Deeper(Condition);
            parser.Expect(")", "at the end of the condition in parentheses");
            return inner;
        }
        var left = Sum();
        if (parser.Is("matches"))
        {
            var at = parser.Take().At;
            return new MatchesExpression(at, left, Parts(parser.Token.At, []).Parts);
        }
        if (Array.Find(Comparisons, parser.Is) is not { } comparison) throw parser.Unexpected("a comparison or 'matches'");
        return new BinaryExpression(parser.Take().At, comparison, left, Sum());
    }

    private Expression Signed()
    {
        if (!parser.Is("-")) return Primary();
        var at = parser.Take().At;
        return new NegativeExpression(at, Primary());
    }

    private Expression Primary()
    {
        var token = parser.Token;
        switch (token.Kind)
        {
            case TokenKind.Number:
                return Word(parser.Take());
            case TokenKind.String:
                parser.Take();
                return new TextExpression(token.At, token.Bytes!, token.IgnoresCase);
            case TokenKind.Store:
                parser.Take();
                return new StoreExpression(token.At, token.Text);
            case TokenKind.Capture:
                parser.Take();
                return new CaptureExpression(token.At, token.Text, parser.TryTake(":") ? parser.ExpectWord("the class of the capture's bytes") : null);
            case TokenKind.Word when !IsKeyword(token.Text) && token.Text != "_":
                return Word(parser.Take());
            default:
                if (parser.TryTake("*")) return new StarExpression(token.At);
                throw parser.Unexpected("a value");
        }
    }

    private Expression Word(Token word)
    {
        if (word.Kind == TokenKind.Word && parser.TryTake(".")) return new FieldExpression(word.At, word.Text, parser.ExpectWord("an argument's name or 'result'"));
        if (word.Kind == TokenKind.Word && parser.TryTake("("))
        {
            var operand = Deeper(Sum);
            parser.Expect(")", $"at the end of '{word.Text}'");
            return new FunctionExpression(word.At, word.Text, operand);
        }
        var names = new List<Token> { word };
        while (parser.TryTake("|"))
        {
            if (parser.Token.Kind is not (TokenKind.Word or TokenKind.Number)) throw parser.Unexpected("a constant behind '|'");
            names.Add(parser.Take());
        }
        return word.Kind == TokenKind.Number && names.Count == 1 ? new NumberExpression(word.At, word.Number) : new NamesExpression(word.At, names);
    }

    private T Deeper<T>(Func<T> read)
    {
        if (_depth == Limits.Depth) throw new RuleTextException(parser.Token.At, $"nested deeper than {Limits.Depth}");
        _depth++;
        try
        {
            return read();
        }
        finally
        {
            _depth--;
        }
    }
}
