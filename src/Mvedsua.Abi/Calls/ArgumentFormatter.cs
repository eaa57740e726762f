namespace Mvedsua.Abi.Calls;

/// <summary>Prints one argument of an event.</summary>
internal static class ArgumentFormatter
{
    private const int AtFdCwd = -100;
    private const ulong CreatingFlags = 0x40 | 0x400000; // O_CREAT, __O_TMPFILE

    /// <summary>The argument's text, or null for one that this call does not look at.</summary>
    internal static string? Format(in CallEvent call, CallRow row, int index, CallFormatOptions options)
    {
        var value = call.Arguments[index];
        if (CallTable.ArgumentOf(row, call.Arguments, index) is not { } argument) return CallText.Hex(value);
        if (argument.Kind == ArgumentKind.None) return null;
        if (argument.Kind == ArgumentKind.Mode && argument.LengthArgument >= 0 &&
            (call.Arguments[argument.LengthArgument] & CreatingFlags) == 0)
            return null;
        if (argument.IsMemory) return value == 0 ? "NULL" : Memory(call, argument, index, options) ?? CallText.Pointer(value);
        return Scalar(call, argument, value);
    }

    private static string Scalar(in CallEvent call, ArgumentRow argument, ulong value) => argument.Kind switch
    {
        ArgumentKind.Int or ArgumentKind.Fd or ArgumentKind.Pid or ArgumentKind.Tid => CallText.Decimal((int)value),
        ArgumentKind.DirFd => (int)value == AtFdCwd ? "AT_FDCWD" : CallText.Decimal((int)value),
        ArgumentKind.UInt => CallText.Unsigned((uint)value),
        ArgumentKind.Uid or ArgumentKind.Gid => (int)value == -1 ? "-1" : CallText.Unsigned((uint)value),
        ArgumentKind.Mode => CallText.Octal((uint)value),
        ArgumentKind.Signal => CallText.Signal((int)value),
        ArgumentKind.Clock => NameSet.Of("clock").Format((int)value),
        ArgumentKind.Enum => Named(call, argument.Set, value),
        ArgumentKind.Flags => Flags(argument.Set, (uint)value),
        ArgumentKind.Long or ArgumentKind.Off => CallText.Decimal((long)value),
        ArgumentKind.ULong => CallText.Unsigned(value),
        ArgumentKind.Ptr => CallText.Pointer(value),
        _ => CallText.Hex(value),
    };

    private static string Flags(string set, uint value)
    {
        if (set != "clone") return NameSet.Of(set).Format(value);
        // The low byte is the signal that the parent gets.
        var (flags, signal) = (value & ~0xffu, value & 0xff);
        return signal == 0 ? NameSet.Of(set).Format(flags)
            : flags == 0 ? CallText.Signal(signal)
            : $"{NameSet.Of(set).Format(flags)}|{CallText.Signal(signal)}";
    }

    private static string Named(in CallEvent call, string set, ulong value) => set switch
    {
        "ioctl" => Command(ArgumentKind.IoctlArg, value),
        "fcntl" => Command(ArgumentKind.FcntlArg, value),
        "prctl" => Command(ArgumentKind.PrctlArg, value),
        "sockopt" => NameSet.Of((int)call.Arguments[1] switch
        {
            0 => "ipopt",
            6 => "tcpopt",
            41 => "ipv6opt",
            _ => "sockopt",
        }).Format((int)value),
        // Only the internet families number their protocols in this way.
        "protocol" when (int)call.Arguments[0] is not (2 or 10) => CallText.Decimal((int)value),
        _ => NameSet.Of(set).Format((int)value),
    };

    private static string Command(ArgumentKind kind, ulong value) =>
        CallTable.Command(kind, (uint)value)?.Name ?? CallText.Hex((uint)value);

    // Null: the event does not have the memory (the call failed, or did not write it).
    private static string? Memory(in CallEvent call, ArgumentRow argument, int index, CallFormatOptions options)
    {
        switch (argument.Kind)
        {
            case ArgumentKind.Path or ArgumentKind.Str:
                return call.TryFind(true, index, SegmentRole.Bytes, 0, out var path) ? CallText.QuoteString(path, int.MaxValue) : null;
            case ArgumentKind.StrV:
                return Strings(call, index, options);
            case ArgumentKind.In or ArgumentKind.EpollEvent:
                return call.TryFind(true, index, SegmentRole.Bytes, 0, out var input)
                    ? argument.Name == "optval"
                        ? StructFormatter.SocketOption((int)call.Arguments[1], (int)call.Arguments[2], input, options)
                        : StructFormatter.Format(argument, input, options)
                    : IsEmpty(call, argument) ? Nothing(argument) : null;
            case ArgumentKind.Out or ArgumentKind.OutAll or ArgumentKind.OutLen:
                return Output(call, argument, index, options);
            case ArgumentKind.InOut:
                return InOut(call, argument, index, options);
            case ArgumentKind.FdSet:
                return call.TryFind(true, index, SegmentRole.Bytes, 0, out var set) ? Descriptors(set) : null;
            case ArgumentKind.SigSetArg:
                return call.TryFind(true, index, SegmentRole.Bytes, 0, out var mask)
                    ? $"{{sigmask={CallText.SignalSet(StructFields.Word(mask))}, sigsetsize={mask.Length}}}"
                    : null;
            case ArgumentKind.IovIn or ArgumentKind.MsgIn or ArgumentKind.MMsgIn:
                return MessageFormatter.Format(call, argument.Kind, index, outgoing: true, options);
            default:
                return call.Failed ? null : MessageFormatter.Format(call, argument.Kind, index, outgoing: false, options);
        }
    }

    private static string? Output(in CallEvent call, ArgumentRow argument, int index, CallFormatOptions options)
    {
        if (call.TryFind(false, index, SegmentRole.Bytes, 0, out var bytes))
        {
            return argument.Name switch
            {
                "wstatus" => $"[{WaitStatus((int)StructFields.Word(bytes))}]",
                "optval" => StructFormatter.SocketOption((int)call.Arguments[1], (int)call.Arguments[2], bytes, options),
                "dirp" => $"{CallText.Pointer(call.Arguments[index])} {StructFormatter.Format(argument, bytes, options)}",
                _ => StructFormatter.Format(argument, bytes, options),
            };
        }
        // A read of 0 bytes wrote nothing, which is not the same as not having read.
        if (call.Result != 0 || argument is not { Kind: ArgumentKind.Out, LengthArgument: >= 0 }) return null;
        return argument.Name == "dirp" ? $"{CallText.Pointer(call.Arguments[index])} {Nothing(argument)}" : Nothing(argument);
    }

    private static string? InOut(in CallEvent call, ArgumentRow argument, int index, CallFormatOptions options)
    {
        var hasInput = call.TryFind(true, index, SegmentRole.Bytes, 0, out var input);
        if (argument.Structure.Name == "pollfd") return hasInput ? Polled(input, options) : IsEmpty(call, argument) ? "[]" : null;
        var before = hasInput ? StructFormatter.Format(argument, input, options) : null;
        if (argument.When == ArgumentWhen.Lax || !call.TryFind(false, index, SegmentRole.Bytes, 0, out var output)) return before;
        var after = StructFormatter.Format(argument, output, options);
        if (before is null || before == after) return after;
        // Numbers change inside their brackets: [128 => 16].
        return before.StartsWith('[') && after.StartsWith('[') ? $"{before[..^1]} => {after[1..]}" : $"{before} => {after}";
    }

    private static bool IsEmpty(in CallEvent call, ArgumentRow argument) =>
        argument.LengthArgument >= 0 && (uint)call.Arguments[argument.LengthArgument] == 0;

    private static string Nothing(ArgumentRow argument) => argument.Structure == StructRow.Bytes ? "\"\""
        : argument.Structure.Name is "dirent" or "dirent64" ? "/* 0 entries */" : "[]";

    private static string? Strings(in CallEvent call, int index, CallFormatOptions options)
    {
        var parts = new List<string>();
        foreach (var segment in call.Memory(outgoing: true))
        {
            if (segment.Argument != index) continue;
            if (parts.Count == options.ElementLimit)
            {
                parts.Add("...");
                break;
            }
            parts.Add(CallText.QuoteString(segment.Bytes, options.StringLimit));
        }
        return parts.Count == 0 ? null : $"[{string.Join(", ", parts)}]";
    }

    private static string Polled(ReadOnlySpan<byte> bytes, CallFormatOptions options)
    {
        var parts = new List<string>();
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            if (parts.Count == options.ElementLimit)
            {
                parts.Add("...");
                break;
            }
            var fd = (int)StructFields.Word(bytes[..4]);
            parts.Add(fd < 0 ? $"{{fd={fd}}}"
                : $"{{fd={fd}, events={NameSet.Of("poll").Format((long)StructFields.Word(bytes.Slice(4, 2)))}}}");
        }
        return $"[{string.Join(", ", parts)}]";
    }

    /// <summary>The members of an fd_set: <c>[3 5]</c>.</summary>
    internal static string Descriptors(ReadOnlySpan<byte> set)
    {
        var members = new List<int>();
        for (var fd = 0; fd < set.Length * 8; fd++)
            if ((set[fd / 8] >> fd % 8 & 1) != 0) members.Add(fd);
        return $"[{string.Join(' ', members)}]";
    }

    private static string WaitStatus(int status)
    {
        var signal = status & 0x7f;
        if (signal == 0) return $"{{WIFEXITED(s) && WEXITSTATUS(s) == {status >> 8 & 0xff}}}";
        if (status == 0xffff) return "{WIFCONTINUED(s)}";
        if (signal == 0x7f) return $"{{WIFSTOPPED(s) && WSTOPSIG(s) == {CallText.Signal(status >> 8 & 0xff)}}}";
        var dumped = (status & 0x80) != 0 ? " && WCOREDUMP(s)" : "";
        return $"{{WIFSIGNALED(s) && WTERMSIG(s) == {CallText.Signal(signal)}{dumped}}}";
    }
}
