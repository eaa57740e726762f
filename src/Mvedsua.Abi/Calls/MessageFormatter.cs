namespace Mvedsua.Abi.Calls;

/// <summary>Prints iovecs and message headers from the segments that they were published as.</summary>
internal static class MessageFormatter
{
    private const int ControlHeader = 16;
    private const int SolSocket = 1;

    internal static string Format(in CallEvent call, ArgumentKind kind, int argument, bool outgoing, CallFormatOptions options) =>
        kind switch
        {
            ArgumentKind.MsgIn or ArgumentKind.MsgOut => Header(call, argument, 0, outgoing, options),
            ArgumentKind.MMsgIn or ArgumentKind.MMsgOut => Messages(call, argument, outgoing, options),
            _ => Vector(call, argument, 0, outgoing, options),
        };

    private static string Vector(in CallEvent call, int argument, int message, bool outgoing, CallFormatOptions options)
    {
        var parts = new List<string>();
        foreach (var segment in call.Memory(outgoing))
        {
            if (segment.Argument != argument || segment.Role != SegmentRole.Data || segment.Message != message) continue;
            if (parts.Count == options.ElementLimit)
            {
                parts.Add("...");
                break;
            }
            parts.Add($"{{iov_base={CallText.Quote(segment.Bytes, options.StringLimit)}, iov_len={segment.Bytes.Length}}}");
        }
        return $"[{string.Join(", ", parts)}]";
    }

    private static string Header(in CallEvent call, int argument, int message, bool outgoing, CallFormatOptions options)
    {
        var fields = new List<string>();
        if (call.TryFind(outgoing, argument, SegmentRole.Name, message, out var name))
            fields.Add($"msg_name={StructFormatter.SocketAddress(name, options)}");
        fields.Add($"msg_iov={Vector(call, argument, message, outgoing, options)}");
        if (call.TryFind(outgoing, argument, SegmentRole.Control, message, out var control))
            fields.Add($"msg_control={Control(control, options)}");
        if (call.TryFind(outgoing, argument, SegmentRole.Flags, message, out var flags))
            fields.Add($"msg_flags={NameSet.Of("msg").Format((uint)StructFields.Word(flags))}");
        return $"{{{string.Join(", ", fields)}}}";
    }

    private static string Messages(in CallEvent call, int argument, bool outgoing, CallFormatOptions options)
    {
        var parts = new List<string>();
        var count = 0;
        foreach (var segment in call.Memory(outgoing))
            if (segment.Argument == argument) count = Math.Max(count, segment.Message + 1);
        for (var i = 0; i < Math.Min(count, options.ElementLimit); i++)
        {
            var length = call.TryFind(false, argument, SegmentRole.MessageLength, i, out var bytes)
                ? $", msg_len={(uint)StructFields.Word(bytes)}"
                : "";
            parts.Add($"{{msg_hdr={Header(call, argument, i, outgoing, options)}{length}}}");
        }
        if (count > options.ElementLimit) parts.Add("...");
        return $"[{string.Join(", ", parts)}]";
    }

    private static string Control(ReadOnlySpan<byte> bytes, CallFormatOptions options)
    {
        var parts = new List<string>();
        while (bytes.Length >= ControlHeader)
        {
            var length = StructFields.Word(bytes[..8]);
            if (length < ControlHeader || length > (ulong)bytes.Length) break;
            var (level, type) = ((int)StructFields.Word(bytes.Slice(8, 4)), (int)StructFields.Word(bytes.Slice(12, 4)));
            var data = bytes[ControlHeader..(int)length];
            var name = level == SolSocket ? type switch
            {
                1 => "SCM_RIGHTS",
                2 => "SCM_CREDENTIALS",
                _ => CallText.Hex((uint)type),
            } : CallText.Hex((uint)type);
            var text = name == "SCM_RIGHTS" ? Numbers(data) : CallText.Quote(data, options.StringLimit);
            parts.Add($"{{cmsg_len={length}, cmsg_level={NameSet.Of("socklevel").Format(level)}, cmsg_type={name}, cmsg_data={text}}}");
            bytes = bytes[(int)Math.Min(length + 7 & ~7UL, (ulong)bytes.Length)..];
        }
        return $"[{string.Join(", ", parts)}]";
    }

    private static string Numbers(ReadOnlySpan<byte> bytes)
    {
        var numbers = new List<int>();
        for (; bytes.Length >= 4; bytes = bytes[4..]) numbers.Add((int)StructFields.Word(bytes[..4]));
        return $"[{string.Join(", ", numbers)}]";
    }
}
