using System.Buffers.Binary;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Rules.Events;

/// <summary>Prints records in the words of <c>mvedsua trace</c>, by the same formatter.</summary>
internal static class EventFormatter
{
    /// <param name="limit">Bytes of a buffer that are shown.</param>
    internal static string Format(CallRecord record, int limit = int.MaxValue)
    {
        var call = new CallEvent
        {
            Number = record.Row.Number,
            Arguments = record.Arguments,
            Result = record.Result,
            InPayload = Payload(record, record.Sent),
            OutPayload = Payload(record, record.Received),
        };
        var options = new CallFormatOptions { StringLimit = limit };
        var names = record.Row.Arguments;
        var arguments = CallFormatter.Arguments(call, options).Select(argument =>
        {
            var index = names.Select((row, i) => (row, i)).First(entry => entry.row.Name == argument.Name).i;
            var cut = (record.Cut >> index & 1) != 0 && argument.Text.EndsWith('"') ? "..." : "";
            return (record.Texts[index] ?? argument.Text) + cut;
        });
        var text = $"{record.Row.Name}({string.Join(", ", arguments)})";
        return record.Result is null ? text : $"{text} = {CallFormatter.Result(call, options)}";
    }

    private static byte[] Payload(CallRecord record, byte[]?[] memory)
    {
        var bytes = new List<byte>();
        Span<byte> header = stackalloc byte[8];
        for (var i = 0; i < record.Row.Arguments.Count; i++)
        {
            if (memory[i] is not { } content || record.Texts[i] is not null) continue;
            var kind = record.Row.Arguments[i].Kind;
            var role = kind is ArgumentKind.IovIn or ArgumentKind.IovOut or ArgumentKind.MsgIn or ArgumentKind.MsgOut ? SegmentRole.Data
                : kind == ArgumentKind.StrV ? SegmentRole.String : SegmentRole.Bytes;
            if (kind is ArgumentKind.Path or ArgumentKind.Str) content = [.. content, 0];
            header.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)content.Length);
            (header[4], header[5]) = ((byte)i, (byte)role);
            bytes.AddRange(header);
            bytes.AddRange(content);
            while (bytes.Count % 8 != 0) bytes.Add(0);
        }
        return [.. bytes];
    }
}
