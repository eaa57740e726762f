namespace Mvedsua.Update.Descriptions;

/// <summary>Reads expressions, with C's operators and their precedence (but &amp;, ^ and | bind tighter than comparisons, as in newer languages,
/// since a condition such as <c>flags &amp; 4 == 4</c> is always meant so).</summary>
internal sealed class ExpressionParser(TokenReader tokens, string form)
{
    private const int DeepestNesting = 100, MostOperators = 500;
    private static readonly Dictionary<string, int> s_precedence = new()
    {
        ["||"] = 1, ["&&"] = 2, ["=="] = 3, ["!="] = 3, ["<"] = 4, ["<="] = 4, [">"] = 4, [">="] = 4,
        ["|"] = 5, ["^"] = 6, ["&"] = 7, ["<<"] = 8, [">>"] = 8, ["+"] = 9, ["-"] = 9, ["*"] = 10, ["/"] = 10, ["%"] = 10,
    };

    private int _depth, _operators;

    internal ExpressionSyntax Read()
    {
        if (++_depth > DeepestNesting)
            throw new SyntaxException(new DescriptionError(tokens.Current.At, "the expression is nested too deeply",
                $"at most {DeepestNesting} levels"));
        var condition = Operators(1);
        if (tokens.TryTake("?"))
        {
            var then = Read();
            tokens.Expect(":", "CONDITION ? THEN : OTHERWISE");
            var otherwise = Read();
            condition = new ConditionalSyntax(condition, then, otherwise, condition.At.To(otherwise.At));
        }

        _depth--;
        return condition;
    }

    private ExpressionSyntax Operators(int least)
    {
        var left = Operand();
        while (tokens.Current.Kind == TokenKind.Sign && s_precedence.TryGetValue(tokens.Current.Text, out var precedence) && precedence >= least)
        {
            if (++_operators > MostOperators)
                throw new SyntaxException(new DescriptionError(tokens.Current.At, "the expression is too long",
                    $"at most {MostOperators} operators"));
            var sign = tokens.Take().Text;
            var right = Operators(precedence + 1);
            left = new BinarySyntax(sign, left, right, left.At.To(right.At));
        }
        return left;
    }

    private ExpressionSyntax Operand()
    {
        var token = tokens.Current;
        if (token.Kind == TokenKind.Number)
        {
            tokens.Take();
            return new NumberSyntax(token.Value, token.At);
        }

        if (token.Is("-") || token.Is("!") || token.Is("~"))
        {
            if (++_depth > DeepestNesting)
                throw new SyntaxException(new DescriptionError(token.At, "the expression is nested too deeply",
                    $"at most {DeepestNesting} levels"));
            tokens.Take();
            var operand = Operand();
            _depth--;
            return new UnarySyntax(token.Text, operand, token.At.To(operand.At));
        }

        if (tokens.TryTake("("))
        {
            var inner = Read();
            tokens.Expect(")", "(EXPRESSION)");
            return inner;
        }

        return token.Kind == TokenKind.Word ? Name() : throw tokens.Unexpected("a number, a field or an enumerator", form);
    }

    private NameSyntax Name()
    {
        var at = tokens.Current.At;
        var version = (tokens.Current.Is("old") || tokens.Current.Is("new")) && tokens.Next.Kind == TokenKind.Word ? tokens.Take().Text : null;
        var names = new List<Word> { tokens.ExpectWord("a name", form) };
        while (tokens.TryTake(".")) names.Add(tokens.ExpectWord("a field", form));
        return new NameSyntax(version, names, at.To(names[^1].At));
    }
}
