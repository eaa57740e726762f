using System.Collections.Frozen;

namespace Mvedsua.Abi.Calls;

/// <summary>
/// The system-call table (native/shim/calls/table), the same data that drives the shim. Read once, immutable, safe from
/// any thread.
/// </summary>
public static class CallTable
{
    private static readonly CallRow?[] Rows;
    private static readonly FrozenDictionary<string, CallRow> Names;
    private static readonly FrozenDictionary<uint, CommandRow> Ioctls, Fcntls, Prctls;

    static CallTable()
    {
        var parser = new CallTableParser();
        Rows = parser.ParseCalls(Resource("calls.tbl"));
        Names = Rows.OfType<CallRow>().ToFrozenDictionary(row => row.Name, StringComparer.Ordinal);
        Structs = parser.Structs;
        Ioctls = Commands("ioctls.tbl");
        Fcntls = Commands("fcntls.tbl");
        Prctls = Commands("prctls.tbl");

        FrozenDictionary<uint, CommandRow> Commands(string name) =>
            parser.ParseCommands(Resource(name)).ToFrozenDictionary(row => row.Value);
    }

    /// <summary>Every row, by ascending number.</summary>
    public static IEnumerable<CallRow> All => Rows.OfType<CallRow>();

    /// <summary>The structures that arguments refer to, by name.</summary>
    public static IReadOnlyDictionary<string, StructRow> Structs { get; }

    /// <summary>The row of a number, or null when the kernel's table has none.</summary>
    public static CallRow? ByNumber(long number) => number >= 0 && number < Rows.Length ? Rows[number] : null;

    /// <summary>The row of a name, or null.</summary>
    public static CallRow? ByName(string name) => Names.GetValueOrDefault(name);

    /// <summary>The commands of ioctl, fcntl or prctl, in no particular order.</summary>
    public static IEnumerable<CommandRow> Commands(ArgumentKind kind) => Table(kind)?.Values ?? [];

    /// <summary>
    /// One command of ioctl, fcntl or prctl. An ioctl that is in no table is described from direction and size in its
    /// number, with a name such as <c>_IOC(0x80107a01)</c>. Null when nothing is known.
    /// </summary>
    public static CommandRow? Command(ArgumentKind kind, uint value)
    {
        if (Table(kind)?.GetValueOrDefault(value) is { } row) return row;
        var (direction, size) = (value >> 30, (int)(value >> 16 & 0x3fff));
        if (kind != ArgumentKind.IoctlArg || direction == 0 || size == 0) return null;
        var argument = direction switch
        {
            1 => ArgumentKind.In,
            2 => ArgumentKind.Out,
            _ => ArgumentKind.InOut,
        };
        return new(value, $"_IOC(0x{value:x})", CallClass.Replayed, CallFlags.None, CallResult.Int,
            new("arg", argument, -1, ArgumentWhen.Success, StructRow.Bytes, size, 0, ""));
    }

    /// <summary>What argument <paramref name="index"/> is for this very call; null for a command that nobody knows.</summary>
    public static ArgumentRow? ArgumentOf(CallRow row, ReadOnlySpan<ulong> arguments, int index)
    {
        ArgumentNullException.ThrowIfNull(row);
        var argument = row.Arguments[index];
        if (argument.Kind < ArgumentKind.IoctlArg) return argument;
        return Command(argument.Kind, (uint)arguments[argument.LengthArgument])?.Argument;
    }

    internal static string Resource(string name)
    {
        using var stream = typeof(CallTable).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the resource {name} is missing from Mvedsua.Abi");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static FrozenDictionary<uint, CommandRow>? Table(ArgumentKind kind) => kind switch
    {
        ArgumentKind.IoctlArg => Ioctls,
        ArgumentKind.FcntlArg => Fcntls,
        ArgumentKind.PrctlArg => Prctls,
        _ => null,
    };
}
