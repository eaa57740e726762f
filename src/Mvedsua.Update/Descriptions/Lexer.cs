using System.Globalization;

namespace Mvedsua.Update.Descriptions;

internal enum TokenKind
{
    Word, Number, Text, Sign, EndOfLine, End,
}

/// <summary>A token. <see cref="Value"/> is that of a number or character.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, Position At, Types.NumberValue Value = default)
{
    internal bool Is(string text) => Kind is TokenKind.Word or TokenKind.Sign && Text == text;

    internal string Shown => Kind switch
    {
        TokenKind.EndOfLine => "the end of the line",
        TokenKind.End => "the end of the file",
        TokenKind.Text => $"\"{Text}\"",
        _ => $"'{Text}'",
    };
}

/// <summary>Cuts a description into tokens. Never fails: what can't be read becomes an error and is skipped.</summary>
internal sealed class Lexer(string text, List<DescriptionError> errors)
{
    private static readonly string[] s_signs = ["<<", ">>", "<=", ">=", "==", "!=", "&&", "||"];
    private readonly List<Token> _tokens = [];
    private int _at, _line = 1, _lineStart;

    internal static List<Token> Cut(string text, List<DescriptionError> errors) => new Lexer(text, errors).Cut();

    private List<Token> Cut()
    {
        while (_at < text.Length) Next();
        _tokens.Add(new Token(TokenKind.EndOfLine, "", Here(0)));
        _tokens.Add(new Token(TokenKind.End, "", Here(0)));
        return _tokens;
    }

    private Position Here(int length) => new(_line, _at - _lineStart + 1, Math.Max(1, length));

    private void Next()
    {
        var c = text[_at];
        if (c == '\n')
        {
            Add(TokenKind.EndOfLine, 1);
            (_line, _lineStart) = (_line + 1, _at);
        }
        else if (c is ' ' or '\t' or '\r') _at++;
        else if (c == '#') _at = End(_at, x => x != '\n');
        else if (char.IsAsciiLetter(c) || c == '_') Add(TokenKind.Word, End(_at, x => char.IsAsciiLetterOrDigit(x) || x is '_' or '$') - _at);
        else if (char.IsAsciiDigit(c)) Number();
        else if (c == '\'') Character();
        else if (c == '"') Quoted();
        else if (s_signs.FirstOrDefault(s => string.CompareOrdinal(text, _at, s, 0, s.Length) == 0) is { } sign)
            Add(TokenKind.Sign, sign.Length);
        else if ("().,=*&|^~!+-/%<>?:[]".Contains(c, StringComparison.Ordinal)) Add(TokenKind.Sign, 1);
        else
        {
            errors.Add(new DescriptionError(Here(1), $"the character '{(char.IsControl(c) || char.IsSurrogate(c) ? $"\\u{(int)c:x4}" : c)}' means nothing here"));
            _at++;
        }
    }

    private int End(int from, Func<char, bool> goesOn)
    {
        while (from < text.Length && goesOn(text[from])) from++;
        return from;
    }

    private void Add(TokenKind kind, int length, string? content = null, Types.NumberValue value = default)
    {
        _tokens.Add(new Token(kind, content ?? text.Substring(_at, length), Here(length), value));
        _at += length;
    }

    private void Number()
    {
        var end = End(_at, c => char.IsAsciiLetterOrDigit(c) || c == '.');
        if (end < text.Length && text[end] is '+' or '-' && text[end - 1] is 'e' or 'E'
            && !text.AsSpan(_at).StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            end = End(end + 1, char.IsAsciiDigit);
        var word = text[_at..end];
        if (word.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && UInt128.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex)
            && hex <= (UInt128)Int128.MaxValue)
            Add(TokenKind.Number, word.Length, value: Types.NumberValue.Of((Int128)hex));
        else if ((word == "0" || word[0] != '0') && Int128.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var whole))
            Add(TokenKind.Number, word.Length, value: Types.NumberValue.Of(whole));
        else if (word.Contains('.', StringComparison.Ordinal)
            && double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real))
            Add(TokenKind.Number, word.Length, value: Types.NumberValue.Of(real));
        else
        {
            errors.Add(new DescriptionError(Here(word.Length), $"'{word}' is no number",
                "numbers are decimal (12, 0.5) or hexadecimal (0x1f), without a suffix"));
            Add(TokenKind.Number, word.Length);
        }
    }

    private void Character()
    {
        var end = _at + 1;
        var value = 0;
        if (end + 2 < text.Length && text[end] == '\\' && text[end + 2] == '\''
            && "0nrt\\'".IndexOf(text[end + 1], StringComparison.Ordinal) is >= 0 and var which)
            (value, end) = ("\0\n\r\t\\'"[which], end + 3);
        else if (end + 1 < text.Length && text[end] is > ' ' and < '\x7f' and not '\\' && text[end + 1] == '\'')
            (value, end) = (text[end], end + 2);
        else errors.Add(new DescriptionError(Here(1), "a character is one ASCII character between quotes: 'a', '\\n'"));
        Add(TokenKind.Number, end - _at, value: Types.NumberValue.Of((Int128)value));
    }

    private void Quoted()
    {
        var end = End(_at + 1, c => c is not ('"' or '\n'));
        var isClosed = end < text.Length && text[end] == '"';
        if (!isClosed) errors.Add(new DescriptionError(Here(end - _at), "the closing '\"' is missing"));
        Add(TokenKind.Text, end - _at + (isClosed ? 1 : 0), text[(_at + 1)..end]);
    }
}
