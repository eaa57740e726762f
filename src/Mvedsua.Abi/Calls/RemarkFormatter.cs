namespace Mvedsua.Abi.Calls;

/// <summary>What strace adds in parentheses behind a result: which descriptors are ready, what a number means.</summary>
internal static class RemarkFormatter
{
    internal static string Format(in CallEvent call, CallRow row, CallFormatOptions options)
    {
        switch (row.Name)
        {
            case "poll" or "ppoll":
                if (call.Result == 0) return "Timeout";
                return Joined(Ready(call, options), Left(call, row));
            case "select" or "pselect6":
                if (call.Result == 0) return "Timeout";
                return Joined(Sets(call), Left(call, row));
            case "fcntl" when (uint)call.Arguments[1] == 3: // F_GETFL
                return "flags " + NameSet.Of("open").Format(call.Result ?? 0);
            case "fcntl" when (uint)call.Arguments[1] == 1 && call.Result != 0: // F_GETFD
                return "flags " + NameSet.Of("fdflags").Format(call.Result ?? 0);
            default:
                return "";
        }
    }

    private static string Joined(string first, string second) =>
        first.Length == 0 ? second : second.Length == 0 ? first : $"{first}, {second}";

    private static string Ready(in CallEvent call, CallFormatOptions options)
    {
        if (!call.TryFind(false, 0, SegmentRole.Bytes, 0, out var bytes)) return "";
        var parts = new List<string>();
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var events = (long)StructFields.Word(bytes.Slice(6, 2));
            if (events == 0) continue;
            if (parts.Count == options.ElementLimit)
            {
                parts.Add("...");
                break;
            }
            parts.Add($"{{fd={(int)StructFields.Word(bytes[..4])}, revents={NameSet.Of("poll").Format(events)}}}");
        }
        return $"[{string.Join(", ", parts)}]";
    }

    private static string Sets(in CallEvent call)
    {
        var text = "";
        for (var i = 1; i <= 3; i++)
        {
            if (!call.TryFind(false, i, SegmentRole.Bytes, 0, out var set) || set.IndexOfAnyExcept((byte)0) < 0) continue;
            var name = i switch { 1 => "in", 2 => "out", _ => "except" };
            text = Joined(text, $"{name} {ArgumentFormatter.Descriptors(set)}");
        }
        return text;
    }

    private static string Left(in CallEvent call, CallRow row)
    {
        for (var i = 0; i < row.Arguments.Count; i++)
        {
            if (row.Arguments[i].When != ArgumentWhen.Lax || !call.TryFind(false, i, SegmentRole.Bytes, 0, out var bytes)) continue;
            return "left " + StructFormatter.Fields(row.Arguments[i].Structure.Name, bytes);
        }
        return "";
    }
}
