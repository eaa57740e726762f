using System.Globalization;
using System.Text;

namespace Mvedsua.Rules.Language;

internal enum TokenKind
{
    End,
    Word,
    Number,
    String,
    Capture,
    Store,
    Symbol,
}

/// <summary>One token. Text: the word, the symbol, or the name behind <c>$</c> or <c>@</c>.</summary>
internal sealed record Token(SourcePosition At, TokenKind Kind, string Text, long Number = 0, byte[]? Bytes = null, bool IgnoresCase = false)
{
    /// <summary>As a message shows it.</summary>
    internal string Shown => Kind switch
    {
        TokenKind.End => "the end of the text",
        TokenKind.String => "a string",
        TokenKind.Capture => $"'${Text}'",
        TokenKind.Store => $"'@{Text}'",
        _ => $"'{Text}'",
    };
}

/// <summary>Cuts a text into tokens, with their places. Line ends are white space; <c>#</c> begins a comment.</summary>
internal sealed class Lexer(string text)
{
    private static readonly string[] Pairs = ["=>", "==", "!=", "<=", ">="];
    private int _at;
    private int _line = 1;
    private int _lineStart;

    private SourcePosition Here => new(_line, _at - _lineStart + 1);

    private char Current => _at < text.Length ? text[_at] : '\0';

    /// <summary>The next token; at the end, again and again <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="NoTokenException">No token begins with this character, or one doesn't end.</exception>
    internal Token Next()
    {
        SkipSpace();
        var at = Here;
        if (_at >= text.Length) return new(at, TokenKind.End, "");
        var c = Current;
        if (c == '"') return String(at);
        if (c is '$' or '@')
        {
            _at++;
            var name = Name();
            if (name.Length == 0) throw new NoTokenException(at, $"a name must follow '{c}'");
            return new(at, c == '$' ? TokenKind.Capture : TokenKind.Store, name);
        }
        if (char.IsAsciiDigit(c)) return Number(at);
        if (IsNamePart(c)) return new(at, TokenKind.Word, Name());
        foreach (var pair in Pairs)
        {
            if (string.CompareOrdinal(text, _at, pair, 0, 2) != 0) continue;
            _at += 2;
            return new(at, TokenKind.Symbol, pair);
        }
        if ("(){},;:=<>+-*.|?".Contains(c, StringComparison.Ordinal))
        {
            _at++;
            return new(at, TokenKind.Symbol, c.ToString());
        }
        throw new NoTokenException(at, $"the character {(char.IsControl(c) ? $"U+{(int)c:X4}" : $"'{c}'")} means nothing here");
    }

    /// <summary>Passes over what was refused: the rest of the line.</summary>
    internal void Skip()
    {
        while (_at < text.Length && text[_at] != '\n') _at++;
    }

    private static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private void SkipSpace()
    {
        while (_at < text.Length)
        {
            var c = text[_at];
            if (c == '#')
            {
                while (_at < text.Length && text[_at] != '\n') _at++;
                continue;
            }
            if (c is not (' ' or '\t' or '\r' or '\n' or '\uFEFF')) return;
            _at++;
            if (c != '\n') continue;
            _line++;
            _lineStart = _at;
        }
    }

    private string Name()
    {
        var start = _at;
        while (IsNamePart(Current)) _at++;
        return text[start.._at];
    }

    private Token Number(SourcePosition at)
    {
        var word = Name();
        return NumberText.TryParse(word, out var value)
            ? new(at, TokenKind.Number, word, value)
            : throw new NoTokenException(at, $"'{word}' is no number", "decimal, 0x and hexadecimal, or 0 and octal digits, of 64 bits");
    }

    private Token String(SourcePosition at)
    {
        var length = QuotedText.Measure(text, _at);
        if (length < 0) throw new NoTokenException(at, "the string doesn't end on its line", "put a '\"' behind it");
        if (!QuotedText.TryDecode(text.AsSpan(_at + 1, length - 2), out var bytes, out var wrong))
            throw new NoTokenException(new(at.Line, at.Column + 1 + wrong), "this escape is unknown", "\\n \\r \\t \\v \\f \\\\ \\\" \\xHH, or up to three octal digits");
        if (bytes.Length > Limits.Literal) throw new NoTokenException(at, $"the string is longer than {Limits.Literal} bytes");
        _at += length;
        var ignoresCase = Current == 'i' && !(_at + 1 < text.Length && IsNamePart(text[_at + 1]));
        if (ignoresCase) _at++;
        return new(at, TokenKind.String, "", 0, bytes, ignoresCase);
    }
}

/// <summary>Numbers as C writes them.</summary>
internal static class NumberText
{
    /// <summary>Decimal, 0x…, or octal behind a 0; up to 64 bits, above 2^63 as their two's complement.</summary>
    internal static bool TryParse(ReadOnlySpan<char> word, out long value)
    {
        value = 0;
        if (word.StartsWith("0x", StringComparison.Ordinal))
            return long.TryParse(word[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        if (word.Length > 1 && word[0] == '0')
        {
            foreach (var c in word)
            {
                if (c is < '0' or > '7' || value >> 60 != 0) return false;
                value = value << 3 | (uint)(c - '0');
            }
            return true;
        }
        if (!ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        value = (long)number;
        return true;
    }
}

/// <summary>Strings in quotes, with the escapes that <c>mvedsua trace</c> prints, and \xHH.</summary>
internal static class QuotedText
{
    /// <summary>Characters from the quote at <paramref name="start"/> through the closing one; -1: there is none on the line.</summary>
    internal static int Measure(string text, int start)
    {
        for (var i = start + 1; i < text.Length && text[i] != '\n'; i++)
        {
            if (text[i] == '"') return i + 1 - start;
            if (text[i] == '\\') i++;
        }
        return -1;
    }

    /// <summary>The bytes between the quotes; what is no ASCII stands for its UTF-8.</summary>
    /// <param name="wrong">Where the escape begins that is unknown.</param>
    internal static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes, out int wrong)
    {
        var result = new List<byte>(text.Length);
        Span<byte> encoded = stackalloc byte[4];
        (bytes, wrong) = ([], 0);
        for (var i = 0; i < text.Length;)
        {
            if (text[i] != '\\')
            {
                // A lone surrogate is decoded as the replacement character.
                Rune.DecodeFromUtf16(text[i..], out var rune, out var used);
                result.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
                i += used;
                continue;
            }
            wrong = i;
            if (++i >= text.Length) return false;
            var c = text[i++];
            if (c is >= '0' and <= '7')
            {
                var value = c - '0';
                for (var digits = 1; digits < 3 && i < text.Length && text[i] is >= '0' and <= '7'; digits++) value = value << 3 | text[i++] - '0';
                if (value > 255) return false;
                result.Add((byte)value);
                continue;
            }
            if (c == 'x')
            {
                if (i + 2 > text.Length || !byte.TryParse(text.Slice(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)) return false;
                result.Add(value);
                i += 2;
                continue;
            }
            var index = "nrtvf\\\"".IndexOf(c, StringComparison.Ordinal);
            if (index < 0) return false;
            result.Add("\n\r\t\v\f\\\""u8[index]);
        }
        bytes = [.. result];
        return true;
    }

    /// <summary>Bytes in quotes, as a rule file has them.</summary>
    internal static string Quote(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("\"");
        foreach (var b in bytes)
        {
            switch (b)
            {
                case (byte)'"': text.Append("\\\""); break;
                case (byte)'\\': text.Append("\\\\"); break;
                case (byte)'\n': text.Append("\\n"); break;
                case (byte)'\r': text.Append("\\r"); break;
                case (byte)'\t': text.Append("\\t"); break;
                case >= 0x20 and < 0x7f: text.Append((char)b); break;
                default: text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"); break;
            }
        }
        return text.Append('"').ToString();
    }
}
