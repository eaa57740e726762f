using System.Text;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Rules.Events;

/// <summary>
/// A call as rules see it: an event of the leader, or a call that a follower is about to make. Each memory argument is one
/// buffer: what an iovec or a message points at is joined, strings are without their NUL, those of a vector joined by NULs.
/// Must not be changed once a decision was asked for.
/// </summary>
public sealed class CallRecord
{
    private const int MostArguments = 6;
    private const int Mistake = 4095; // results from -4095 to -1 are errors (syscalls(2))

    /// <summary>A call of this row, with arguments of 0, no memory and no result.</summary>
    public CallRecord(CallRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Row = row;
    }

    /// <summary>What the call table says of it.</summary>
    public CallRow Row { get; }

    /// <summary>The thread's number: 1 for the main thread, then in the order of their creation.</summary>
    public int Thread { get; init; } = 1;

    /// <summary>The six arguments as the registers hold them.</summary>
    public ulong[] Arguments { get; } = new ulong[MostArguments];

    /// <summary>By argument: the memory that went out; null: none.</summary>
    public byte[]?[] Sent { get; } = new byte[]?[MostArguments];

    /// <summary>By argument: the memory that came back; null: none.</summary>
    public byte[]?[] Received { get; } = new byte[]?[MostArguments];

    /// <summary>By argument: its text where rules can't look into its memory, which then is this text; else null.</summary>
    internal string?[] Texts { get; } = new string?[MostArguments];

    /// <summary>As the kernel returned it, a value or -errno; null: the call was not made.</summary>
    public long? Result { get; set; }

    /// <summary>Bits by argument: only the beginning of its buffer is known.</summary>
    internal int Cut { get; set; }

    internal bool Failed => Result is < 0 and >= -Mistake;

    /// <summary>A scalar argument as its type has it.</summary>
    internal long Number(int argument) => ArgumentFacts.Number(Row.Arguments[argument], Arguments[argument]);

    /// <summary>All bytes that go out.</summary>
    internal long SentBytes => Sent.Sum(bytes => (long)(bytes?.Length ?? 0));

    /// <summary>The call that this event is the outcome of: the same without result and received memory.</summary>
    public CallRecord AsCall()
    {
        var call = new CallRecord(Row) { Thread = Thread, Cut = Cut };
        Arguments.CopyTo(call.Arguments, 0);
        Sent.CopyTo(call.Sent, 0);
        for (var i = 0; i < Row.Arguments.Count; i++)
            if (Texts[i] is not null && Sent[i] is { } before) call.Texts[i] = Encoding.UTF8.GetString(before);
        return call;
    }

    /// <summary>An event of a log; null when its number has no row.</summary>
    /// <param name="call">The event; its memory is copied.</param>
    /// <param name="thread">The thread's number.</param>
    public static CallRecord? From(in CallEvent call, int thread)
    {
        if (CallTable.ByNumber(call.Number) is not { } row) return null;
        var record = new CallRecord(row) { Thread = thread, Result = call.Result };
        call.Arguments[..Math.Min(call.Arguments.Length, MostArguments)].CopyTo(record.Arguments);
        Collect(call.InPayload, row, record.Sent);
        Collect(call.OutPayload, row, record.Received);
        return record;
    }

    private static void Collect(ReadOnlySpan<byte> payload, CallRow row, byte[]?[] into)
    {
        foreach (var segment in new Payload(payload))
        {
            if (segment.Argument >= row.Arguments.Count) continue;
            if (segment.Role is not (SegmentRole.Bytes or SegmentRole.String or SegmentRole.Data)) continue;
            var bytes = segment.Bytes;
            ref var place = ref into[segment.Argument];
            var isString = row.Arguments[segment.Argument].Kind is ArgumentKind.Path or ArgumentKind.Str || segment.Role == SegmentRole.String;
            if (isString && bytes.IndexOf((byte)0) is >= 0 and var end) bytes = bytes[..end];
            place = place is null ? bytes.ToArray() : segment.Role == SegmentRole.String ? [.. place, 0, .. bytes] : [.. place, .. bytes];
        }
    }

    /// <summary>As <c>mvedsua trace</c> prints it, buffers whole.</summary>
    public override string ToString() => EventFormatter.Format(this);
}
