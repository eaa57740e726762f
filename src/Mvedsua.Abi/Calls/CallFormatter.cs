namespace Mvedsua.Abi.Calls;

/// <summary>Prints events in strace's notation: <c>write(8, "+OK\r\n", 5) = 5</c>. No state, safe from any thread.</summary>
public static class CallFormatter
{
    /// <summary>The whole event on one line. A number without a row prints as <c>syscall_N</c>.</summary>
    public static string Format(in CallEvent call, CallFormatOptions? options = null)
    {
        options ??= CallFormatOptions.Default;
        var arguments = string.Join(", ", Arguments(call, options).Select(argument => argument.Text));
        var text = $"{NameOf(call.Number)}({arguments})";
        return call.Result is null ? text + " = ?" : $"{text} = {Result(call, options)}";
    }

    /// <summary>The name of a call; <c>syscall_N</c> for a number without a row.</summary>
    public static string NameOf(long number) => CallTable.ByNumber(number)?.Name ?? $"syscall_{CallText.Decimal(number)}";

    /// <summary>The arguments one by one; those that the call does not look at are left out.</summary>
    public static IReadOnlyList<FormattedArgument> Arguments(in CallEvent call, CallFormatOptions? options = null)
    {
        options ??= CallFormatOptions.Default;
        var list = new List<FormattedArgument>(6);
        if (CallTable.ByNumber(call.Number) is not { } row)
        {
            for (var i = 0; i < call.Arguments.Length; i++) list.Add(new($"arg{i + 1}", CallText.Hex(call.Arguments[i])));
            return list;
        }
        var isKnownPrctl = row.Name == "prctl" && CallTable.Command(ArgumentKind.PrctlArg, (uint)call.Arguments[0]) is not null;
        for (var i = 0; i < row.Arguments.Count; i++)
        {
            // What follows a prctl's second argument is read by few options, and holds whatever the registers held.
            if (isKnownPrctl && i > 1) break;
            if (ArgumentFormatter.Format(call, row, i, options) is { } text) list.Add(new(row.Arguments[i].Name, text));
        }
        return list;
    }

    /// <summary>What stands behind "=": the value, or <c>-1 EAGAIN (Resource temporarily unavailable)</c>.</summary>
    public static string Result(in CallEvent call, CallFormatOptions? options = null)
    {
        var row = CallTable.ByNumber(call.Number);
        if (call.Result is not { } result || row?.Result == CallResult.NoReturn) return "?";
        if (call.Failed) return $"-1 {ErrorName(result)} ({NameSet.Of("errno").MessageOf(-result)})";
        var kind = row is null ? CallResult.Long : ResultKind(row, call.Arguments);
        var value = kind switch
        {
            CallResult.Hex or CallResult.Pointer => CallText.Hex((ulong)result),
            CallResult.UInt => CallText.Unsigned((uint)result),
            CallResult.Long => CallText.Decimal(result),
            _ when row!.Name == "umask" => CallText.Octal((ulong)result),
            _ => CallText.Decimal(result),
        };
        var remark = row is null ? "" : RemarkFormatter.Format(call, row, options ?? CallFormatOptions.Default);
        return remark.Length == 0 ? value : $"{value} ({remark})";
    }

    /// <summary>The name of the error that a result is, such as "EAGAIN"; <c>errno N</c> without a name.</summary>
    /// <param name="result">A negative result, -1 to -4095.</param>
    public static string ErrorName(long result) =>
        NameSet.Of("errno").NameOf(-result) ?? $"errno {CallText.Decimal(-result)}";

    private static CallResult ResultKind(CallRow row, ReadOnlySpan<ulong> arguments)
    {
        foreach (var argument in row.Arguments)
        {
            if (argument.Kind < ArgumentKind.IoctlArg) continue;
            if (CallTable.Command(argument.Kind, (uint)arguments[argument.LengthArgument]) is { } command) return command.Result;
        }
        return row.Result;
    }
}
