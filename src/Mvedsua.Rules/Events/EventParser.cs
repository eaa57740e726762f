using System.Text;
using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Events;

/// <summary>
/// Reads one call in the notation of <c>mvedsua trace</c>: <c>write(8, "+OK\r\n", 5) = 5</c>. A structure is taken as its text:
/// rules carry it and compare it as a whole.
/// </summary>
internal sealed class EventParser
{
    private readonly string _line;
    private readonly int _lineNumber;
    private readonly int _offset;
    private int _at;

    private EventParser(string line, int lineNumber, int offset) => (_line, _lineNumber, _offset) = (line, lineNumber, offset);

    private char Current => _at < _line.Length ? _line[_at] : '\0';

    /// <summary>Whether a line begins as a call does: a name and a parenthesis.</summary>
    internal static bool IsCall(string text)
    {
        var i = 0;
        while (i < text.Length && (char.IsAsciiLetterOrDigit(text[i]) || text[i] == '_')) i++;
        return i > 0 && i < text.Length && text[i] == '(';
    }

    /// <param name="line">The text; what stands behind the call is left in <paramref name="rest"/>.</param>
    /// <param name="lineNumber">For messages.</param>
    /// <param name="offset">Characters of the line before <paramref name="line"/>, for messages.</param>
    /// <param name="thread">The thread's number.</param>
    /// <param name="rest">What stands behind the call and its result.</param>
    /// <exception cref="RuleTextException">It can't be read.</exception>
    internal static CallRecord Parse(string line, int lineNumber, int offset, int thread, out string rest)
    {
        var parser = new EventParser(line, lineNumber, offset);
        var record = parser.Call(thread);
        rest = line[parser._at..].Trim();
        return record;
    }

    private RuleTextException Refuse(int at, string message, string? hint = null) =>
        new(new(_lineNumber, _offset + at + 1), message, hint);

    private void SkipSpace()
    {
        while (Current is ' ' or '\t') _at++;
    }

    private bool TryTake(string text)
    {
        SkipSpace();
        if (string.CompareOrdinal(_line, _at, text, 0, text.Length) != 0) return false;
        _at += text.Length;
        return true;
    }

    private string Name()
    {
        var start = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current == '_') _at++;
        return _line[start.._at];
    }

    private CallRecord Call(int thread)
    {
        SkipSpace();
        var start = _at;
        var name = Name();
        if (name.Length == 0) throw Refuse(start, "a call is expected, such as write(1, \"x\", 1) = 1");
        var row = CallTable.ByName(name) ?? throw Refuse(start, $"no call is named '{name}'", Suggestion.For(name, CallTable.All.Select(r => r.Name)));
        if (!TryTake("(")) throw Refuse(_at, $"'(' is expected behind '{name}'");
        var record = new CallRecord(row) { Thread = thread };
        if (!TryTake(")")) Arguments(record);
        if (TryTake("=")) Result(record);
        else TryTake("…");
        return record;
    }

    private void Arguments(CallRecord record)
    {
        var row = record.Row;
        for (var i = 0; ; i++)
        {
            SkipSpace();
            var start = _at;
            var text = Value();
            if (text.Length == 0) throw Refuse(start, "an argument is expected");
            if (i >= row.Arguments.Count) throw Refuse(start, $"'{row.Name}' has {row.Arguments.Count} arguments");
            Argument(record, i, text, start);
            if (TryTake(")")) return;
            if (!TryTake(",")) throw Refuse(_at, "',' or ')' is expected");
        }
    }

    /// <summary>The text up to the comma or parenthesis that ends an argument, brackets and strings passed over whole.</summary>
    private string Value()
    {
        var start = _at;
        var depth = 0;
        for (; _at < _line.Length; _at++)
        {
            var c = _line[_at];
            if (c == '"')
            {
                var length = QuotedText.Measure(_line, _at);
                if (length < 0) throw Refuse(_at, "the string doesn't end");
                _at += length - 1;
                continue;
            }
            if (depth == 0 && c is ',' or ')') break;
            if (c is '(' or '[' or '{') depth++;
            if (c is ')' or ']' or '}' && --depth < 0) break;
        }
        if (_at >= _line.Length) throw Refuse(start, "')' is missing");
        return _line[start.._at].TrimEnd();
    }

    private void Argument(CallRecord record, int index, string text, int at)
    {
        var argument = record.Row.Arguments[index];
        if (text == "_") return; // a hand-written call: nothing is said of it
        if (argument.IsScalar || argument.Kind == ArgumentKind.Ptr)
        {
            record.Arguments[index] = (ulong)(Number(argument, text) ?? throw Refuse(at, $"'{text}' is no value of '{argument.Name}'",
                Suggestion.For(text, Constants.Names(argument))));
            return;
        }
        if (text == "NULL") return;
        record.Arguments[index] = 1; // some address: that it is none is all that matters
        if (Number(argument, text) is { } address)
        {
            record.Arguments[index] = (ulong)address;
            return;
        }
        var isText = argument.Kind is ArgumentKind.IovIn or ArgumentKind.IovOut or ArgumentKind.MsgIn or ArgumentKind.MsgOut or ArgumentKind.StrV
            ? !TryJoin(record, index, text, at, out var bytes)
            : !TryString(record, index, text, at, out bytes);
        if (isText)
        {
            record.Texts[index] = text;
            var (before, after) = ArgumentFacts.IsSent(argument) && ArgumentFacts.IsReceived(argument) ? BeforeAndAfter(text) : (text, text);
            record.Received[index] = Encoding.UTF8.GetBytes(after);
            bytes = Encoding.UTF8.GetBytes(before);
        }
        if (!ArgumentFacts.IsReceived(argument)) record.Received[index] = null;
        else record.Received[index] ??= bytes;
        if (ArgumentFacts.IsSent(argument) || !ArgumentFacts.IsReceived(argument)) record.Sent[index] = bytes;
    }

    /// <summary>[128 => 16] is [128] before the call and [16] after it.</summary>
    private static (string Before, string After) BeforeAndAfter(string text)
    {
        var at = text.IndexOf(" => ", StringComparison.Ordinal);
        if (at < 0) return (text, text);
        var (before, after) = (text[..at], text[(at + 4)..]);
        return text[0] == '[' && !before.EndsWith(']') ? (before + "]", "[" + after) : (before, after);
    }

    private bool TryString(CallRecord record, int index, string text, int at, out byte[] bytes)
    {
        bytes = [];
        if (text[0] != '"') return false;
        var length = QuotedText.Measure(text, 0);
        bytes = Decode(text, 0, length, at);
        var behind = text[length..];
        if (behind == "...") record.Cut |= 1 << index;
        return behind is "" or "...";
    }

    /// <summary>All strings of an iovec, message or vector, one behind the other.</summary>
    private bool TryJoin(CallRecord record, int index, string text, int at, out byte[] bytes)
    {
        var isVector = record.Row.Arguments[index].Kind == ArgumentKind.StrV;
        var mark = isVector ? "\"" : "iov_base=\"";
        var joined = new List<byte>();
        for (var (i, count) = (0, 0); text.IndexOf(mark, i, StringComparison.Ordinal) is >= 0 and var found; count++)
        {
            var quote = found + mark.Length - 1;
            var length = QuotedText.Measure(text, quote);
            if (length < 0) throw Refuse(at + quote, "the string doesn't end");
            if (isVector && count > 0) joined.Add(0);
            joined.AddRange(Decode(text, quote, length, at));
            i = quote + length;
            if (string.CompareOrdinal(text, i, "...", 0, 3) == 0) record.Cut |= 1 << index;
        }
        if (text.EndsWith(", ...]", StringComparison.Ordinal)) record.Cut |= 1 << index;
        bytes = [.. joined];
        return text[0] is '[' or '{';
    }

    private byte[] Decode(string text, int quote, int length, int at) =>
        QuotedText.TryDecode(text.AsSpan(quote + 1, length - 2), out var bytes, out var wrong)
            ? bytes
            : throw Refuse(at + quote + 1 + wrong, "this escape is unknown");

    /// <summary>A number, or names and numbers joined by |.</summary>
    private static long? Number(ArgumentRow argument, string text)
    {
        if (text == "NULL") return 0;
        if (text is ['-', .. var digits] && NumberText.TryParse(digits, out var negative)) return -negative;
        long value = 0;
        foreach (var word in text.Split('|'))
        {
            if (word.Length > 0 && char.IsAsciiDigit(word[0]) && NumberText.TryParse(word, out var number)) value |= number;
            else if (Constants.Value(argument, word) is { } constant) value |= constant;
            else return null;
        }
        return value;
    }

    private void Result(CallRecord record)
    {
        SkipSpace();
        var start = _at;
        if (TryTake("?")) return;
        var negative = TryTake("-");
        var word = Name();
        if (!NumberText.TryParse(word, out var value)) throw Refuse(start, "the result is expected: a number, '?' or an error such as -1 EAGAIN");
        if (negative) value = -value;
        SkipSpace();
        var name = Name();
        if (negative && name.Length > 0)
            value = Constants.Error(name) is { } error ? -error : throw Refuse(_at - name.Length, $"no error is named '{name}'");
        else
            _at -= name.Length;
        record.Result = value;
        SkipSpace();
        // strace's remark: an error's message, which descriptors are ready.
        if (!TryTake("(")) return;
        while (Current != ')')
        {
            _ = Value();
            if (!TryTake(",")) break;
        }
        if (!TryTake(")")) throw Refuse(_at, "')' is expected behind the remark");
    }
}
