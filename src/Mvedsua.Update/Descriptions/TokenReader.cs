namespace Mvedsua.Update.Descriptions;

/// <summary>A statement ends here because of an error that was noted.</summary>
internal sealed class SyntaxException(DescriptionError error) : Exception(error.Cause)
{
    internal DescriptionError Error { get; } = error;
}

/// <summary>Goes through the tokens.</summary>
internal sealed class TokenReader(List<Token> tokens)
{
    private int _at;

    internal Token Current => tokens[_at];

    internal Token Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    internal Token Take()
    {
        var token = Current;
        if (token.Kind != TokenKind.End) _at++;
        return token;
    }

    internal bool TryTake(string text)
    {
        if (!Current.Is(text)) return false;
        _at++;
        return true;
    }

    internal Token Expect(string text, string form) => Current.Is(text) ? Take() : throw Unexpected($"'{text}'", form);

    internal Word ExpectWord(string what, string form)
    {
        if (Current.Kind != TokenKind.Word) throw Unexpected(what, form);
        var token = Take();
        return new Word(token.Text, token.At);
    }

    internal SyntaxException Unexpected(string expected, string form) =>
        new(new DescriptionError(Current.At, $"{Current.Shown} stands where {expected} is expected", $"the form is: {form}"));

    internal void SkipLine()
    {
        while (Current.Kind is not (TokenKind.EndOfLine or TokenKind.End)) _at++;
    }
}
