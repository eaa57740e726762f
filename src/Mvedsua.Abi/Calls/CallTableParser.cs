using System.Globalization;

namespace Mvedsua.Abi.Calls;

/// <summary>Reads calls.tbl and the command tables: the C# twin of generate.awk.</summary>
/// <remarks>What can't be read is a FormatException that names the line.</remarks>
internal sealed class CallTableParser
{
    private const int MostCalls = 4096; // the kernel's table has a tenth of that

    private readonly Dictionary<string, StructRow> _structs = new(StringComparer.Ordinal);

    internal IReadOnlyDictionary<string, StructRow> Structs => _structs;

    /// <summary>Rows by number, with gaps where the kernel's table has them.</summary>
    internal CallRow?[] ParseCalls(string text)
    {
        var rows = new List<CallRow?>();
        foreach (var words in Lines(text))
        {
            if (words[0] == "struct")
            {
                Named(words, () => _structs.TryAdd(words[1], ParseStruct(words)) ? 0 : throw new FormatException("twice"));
                continue;
            }

            var row = Named(words, () => ParseCall(words));
            if (row.Number < rows.Count || row.Number >= MostCalls) throw Refuse(words, "numbers ascend, and are small", null);
            while (rows.Count < row.Number) rows.Add(null);
            rows.Add(row);
        }
        return [.. rows];
    }

    internal CommandRow[] ParseCommands(string text) =>
    [
        .. Lines(text).Select(words => Named(words, () => new CommandRow(
            (uint)Number(words[0]), words[1], ParseClass(words[2]), ParseFlags(words[3]), ParseResult(words[4]),
            words[5] == "-" ? Argument("arg", ArgumentKind.None) : ParseKind("arg", words[5], _ => -1)))),
    ];

    private static T Named<T>(string[] words, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or IndexOutOfRangeException or KeyNotFoundException)
        {
            throw Refuse(words, e.Message, e);
        }
    }

    private static FormatException Refuse(string[] words, string why, Exception? inner) =>
        new($"call table, \"{string.Join(' ', words)}\": {why}", inner);

    private static StructRow ParseStruct(string[] words) =>
        new(words[1], int.Parse(words[2], CultureInfo.InvariantCulture), [.. words.Skip(4).Select(OpaquePart)]);

    internal static IEnumerable<string[]> Lines(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0) yield return words;
        }
    }

    internal static long Number(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            ? long.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : long.Parse(text, CultureInfo.InvariantCulture);

    private static (int, int) OpaquePart(string text)
    {
        var parts = text.Split('+');
        return (int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private CallRow ParseCall(string[] words)
    {
        var names = words.Skip(5).Select(word => word[..word.IndexOf(':', StringComparison.Ordinal)]).ToList();
        var arguments = words.Skip(5).Select((word, i) => ParseKind(names[i], word[(names[i].Length + 1)..], IndexOf)).ToList();
        return new(
            int.Parse(words[0], CultureInfo.InvariantCulture), words[1], ParseClass(words[2]),
            arguments.Aggregate(ParseFlags(words[3]), (flags, argument) => flags | Derived(argument.Kind)),
            ParseResult(words[4]), arguments);

        int IndexOf(string name) =>
            names.IndexOf(name) is >= 0 and var index ? index : throw new FormatException($"{words[1]}: no argument {name}");
    }

    private ArgumentRow ParseKind(string name, string text, Func<string, int> indexOf)
    {
        var when = ArgumentWhen.Success;
        if (text.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash)
        {
            when = Enum.Parse<ArgumentWhen>(text.AsSpan(slash + 1), ignoreCase: true);
            text = text[..slash];
        }
        var end = text.AsSpan().IndexOfAny('(', '[', '<');
        var word = end < 0 ? text : text[..end];
        var inner = end < 0 ? "" : text[(end + 1)..].TrimEnd(')', ']');
        var row = Argument(name, Enum.Parse<ArgumentKind>(word, ignoreCase: true)) with { When = when };
        if (row.Kind is ArgumentKind.Enum or ArgumentKind.Flags) return row with { Set = inner };
        if (row.Kind == ArgumentKind.Mode)
            return inner.Length > 0 ? row with { LengthArgument = indexOf(inner) } : row;
        if (row.Kind <= ArgumentKind.Ptr) return row;
        if (text.Contains('[', StringComparison.Ordinal)) return FixedSize(row, inner);
        if (row.Kind == ArgumentKind.Str && inner.Length > 0)
            return row with { Limit = int.Parse(inner, CultureInfo.InvariantCulture) };
        if (inner.Length == 0) return row;
        if (inner[0] == '@') return CountedSize(row with { Kind = ArgumentKind.OutLen }, inner[1..], indexOf);
        return CountedSize(row, inner, indexOf);
    }

    private static ArgumentRow Argument(string name, ArgumentKind kind) =>
        new(name, kind, -1, ArgumentWhen.Success, StructRow.Bytes, 0, 0, "");

    private ArgumentRow FixedSize(ArgumentRow row, string inner)
    {
        if (char.IsAsciiDigit(inner[0])) return row with { Unit = int.Parse(inner, CultureInfo.InvariantCulture) };
        var parts = inner.Split('*');
        var structure = _structs[parts[0]];
        return row with
        {
            Structure = structure,
            Unit = structure.Size * (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 1),
        };
    }

    private ArgumentRow CountedSize(ArgumentRow row, string inner, Func<string, int> indexOf)
    {
        row = row.Kind == ArgumentKind.EpollEvent
            ? row with { Structure = _structs["epoll_event"], Unit = _structs["epoll_event"].Size }
            : row with { Unit = 1 };
        if (inner.Split('<') is [var before, var limit])
        {
            row = row with { Limit = int.Parse(limit, CultureInfo.InvariantCulture) };
            inner = before;
        }
        if (inner.AsSpan().IndexOfAny('*', ':') is >= 0 and var at)
        {
            var structure = _structs[inner[(at + 1)..]];
            row = row with { Structure = structure, Unit = inner[at] == '*' ? structure.Size : 1 };
            inner = inner[..at];
        }
        return row with { LengthArgument = indexOf(inner) };
    }

    private static CallClass ParseClass(string word) => Enum.Parse<CallClass>(word, ignoreCase: true);

    private static CallResult ParseResult(string word) => word switch
    {
        "fd" => CallResult.Descriptor,
        "pid" => CallResult.ProcessId,
        "tid" => CallResult.ThreadId,
        "ptr" => CallResult.Pointer,
        _ => Enum.Parse<CallResult>(word, ignoreCase: true),
    };

    private static CallFlags ParseFlags(string words) => words == "-"
        ? CallFlags.None
        : words.Split(',').Aggregate(CallFlags.None, (flags, word) => flags | word switch
        {
            "opensfd" => CallFlags.OpensDescriptor,
            "closesfd" => CallFlags.ClosesDescriptor,
            _ => Enum.Parse<CallFlags>(word, ignoreCase: true),
        });

    private static CallFlags Derived(ArgumentKind kind) => kind switch
    {
        ArgumentKind.Path or ArgumentKind.Str or ArgumentKind.StrV or ArgumentKind.In or ArgumentKind.IovIn
            or ArgumentKind.MsgIn or ArgumentKind.SigSetArg or ArgumentKind.EpollEvent => CallFlags.In,
        ArgumentKind.Out or ArgumentKind.OutAll or ArgumentKind.IovOut => CallFlags.Out,
        ArgumentKind.OutLen => CallFlags.Out | CallFlags.Capture,
        ArgumentKind.MMsgIn => CallFlags.In | CallFlags.Out,
        ArgumentKind.InOut or ArgumentKind.FdSet or ArgumentKind.MMsgOut => CallFlags.In | CallFlags.Out | CallFlags.InOut,
        ArgumentKind.MsgOut => CallFlags.In | CallFlags.Out | CallFlags.InOut | CallFlags.Capture,
        ArgumentKind.IoctlArg or ArgumentKind.FcntlArg or ArgumentKind.PrctlArg =>
            CallFlags.In | CallFlags.Out | CallFlags.InOut | CallFlags.Command,
        _ => CallFlags.None,
    };
}
