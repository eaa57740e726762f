using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Evaluation;

/// <summary>Compares a follower's call with the leader's event as the shim does when no rule is in the way.</summary>
internal static partial class Equality
{
    /// <summary>The first difference, or null: they are equal.</summary>
    internal static string? Difference(CallRecord leader, CallRecord follower)
    {
        if (leader.Row != follower.Row) return $"the leader's event is {leader.Row.Name}, the follower's call {follower.Row.Name}";
        for (var i = 0; i < leader.Row.Arguments.Count; i++)
            if (Difference(leader, follower, i) is { } difference) return difference;
        return null;
    }

    /// <summary>The difference in one argument of the same call, or null.</summary>
    internal static string? Difference(CallRecord leader, CallRecord follower, int index)
    {
        var argument = leader.Row.Arguments[index];
        if (argument.IsScalar)
        {
            var (a, b) = (leader.Number(index), follower.Number(index));
            return a == b ? null : string.Create(CultureInfo.InvariantCulture, $"{argument.Name} is {a} in the leader and {b} in the follower");
        }
        if (!ArgumentFacts.IsSent(argument)) return null;
        if (leader.Texts[index] is not null || follower.Texts[index] is not null)
        {
            var (a, b) = (Text(leader, index), Text(follower, index));
            return a == b ? null : $"{argument.Name} is {a ?? "nothing"} in the leader and {b ?? "nothing"} in the follower";
        }
        return Bytes(leader.Sent[index], leader, index).SequenceEqual(Bytes(follower.Sent[index], follower, index)) ? null
            : $"{argument.Name} is {Show(leader.Sent[index])} in the leader and {Show(follower.Sent[index])} in the follower";
    }

    /// <summary>What is compared of an argument's memory, as text.</summary>
    internal static string Comparable(CallRecord record, int index) =>
        record.Texts[index] is not null ? Text(record, index) ?? "" : Convert.ToHexString(Bytes(record.Sent[index], record, index));

    // Addresses and user data mean something only inside one version.
    private static string? Text(CallRecord record, int index)
    {
        if (record.Sent[index] is not { } bytes) return null;
        var text = Encoding.UTF8.GetString(bytes);
        return record.Row.Arguments[index].Structure.Opaque.Count > 0 ? Address().Replace(text, "0x…") : text;
    }

    private static byte[] Bytes(byte[]? bytes, CallRecord record, int index)
    {
        var structure = record.Row.Arguments[index].Structure;
        if (bytes is null || structure.Opaque.Count == 0) return bytes ?? [];
        var masked = (byte[])bytes.Clone();
        for (var start = 0; start < masked.Length; start += structure.Size)
            foreach (var (offset, length) in structure.Opaque)
                for (var i = start + offset; i < Math.Min(start + offset + length, masked.Length); i++) masked[i] = 0;
        return masked;
    }

    private static string Show(byte[]? bytes) => bytes is null ? "nothing" : QuotedText.Quote(bytes.AsSpan(0, Math.Min(bytes.Length, 60)));

    [GeneratedRegex("0x[0-9a-f]+")]
    private static partial Regex Address();
}
