using System.Globalization;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Inference;

/// <summary>What tells the events of a rule apart from others of the same name.</summary>
/// <param name="Argument">The argument that it looks at.</param>
/// <param name="Pattern">What stands in its place; null: see <paramref name="Capture"/>.</param>
/// <param name="Capture">The capture that <paramref name="Condition"/> is about.</param>
/// <param name="Condition">A condition; null: the pattern says it.</param>
internal sealed record Predicate(int Argument, string? Pattern, string? Capture, string? Condition)
{
    private const int Shortest = 3; // bytes of a beginning or an end that is worth a predicate

    /// <summary>The first predicate that holds for all of these and for none of those; null: none does, or nothing must be told apart.</summary>
    internal static Predicate? Find(IReadOnlyList<CallRecord> these, IReadOnlyList<CallRecord> those)
    {
        if (these.Count < 2 || those.Count == 0) return null;
        var row = these[0].Row;
        for (var i = 0; i < row.Arguments.Count; i++)
        {
            var argument = row.Arguments[i];
            var found = ArgumentFacts.IsReadable(argument) ? OfBytes(these, those, i)
                : argument.IsScalar && argument.Kind is not (Abi.Calls.ArgumentKind.Fd or Abi.Calls.ArgumentKind.Pid or Abi.Calls.ArgumentKind.Tid) ? OfNumber(these, those, i) : null;
            if (found is not null) return found;
        }
        return null;
    }

    private static Predicate? OfNumber(IReadOnlyList<CallRecord> these, IReadOnlyList<CallRecord> those, int index)
    {
        var (mine, others) = (these.Select(r => r.Number(index)).ToList(), those.Select(r => r.Number(index)).ToList());
        if (mine.Distinct().Count() == 1) return null; // a constant in the rule, told apart or not
        if (mine.Min() > others.Max()) return new(index, string.Create(CultureInfo.InvariantCulture, $">= {mine.Min()}"), null, null);
        return mine.Max() < others.Min() ? new(index, string.Create(CultureInfo.InvariantCulture, $"<= {mine.Max()}"), null, null) : null;
    }

    private static Predicate? OfBytes(IReadOnlyList<CallRecord> these, IReadOnlyList<CallRecord> those, int index)
    {
        var (mine, others) = (Buffers(these, index), Buffers(those, index));
        if (mine.Count < these.Count || mine.Distinct(ByteComparer.Instance).Count() == 1) return null;
        var head = mine.Aggregate((a, b) => a[..a.AsSpan().CommonPrefixLength(b)]);
        if (head.Length >= Shortest && !others.Exists(other => other.AsSpan().StartsWith(head))) return new(index, $"{QuotedText.Quote(head)} *", null, null);
        var tail = mine.Aggregate((a, b) => a[(a.Length - CommonSuffix(a, b))..]);
        if (tail.Length >= Shortest && !others.Exists(other => other.AsSpan().EndsWith(tail))) return new(index, $"* {QuotedText.Quote(tail)}", null, null);
        var (shortest, longest) = (mine.Min(b => b.Length), mine.Max(b => b.Length));
        if (others.Count > 0 && shortest > others.Max(b => b.Length)) return new(index, null, "data", string.Create(CultureInfo.InvariantCulture, $"length($data) >= {shortest}"));
        return others.Count > 0 && longest < others.Min(b => b.Length) ? new(index, null, "data", string.Create(CultureInfo.InvariantCulture, $"length($data) <= {longest}")) : null;
    }

    private static List<byte[]> Buffers(IReadOnlyList<CallRecord> records, int index) =>
        [.. records.Select(r => r.Sent[index] ?? r.Received[index]).OfType<byte[]>()];

    private static int CommonSuffix(byte[] a, byte[] b)
    {
        var length = 0;
        while (length < a.Length && length < b.Length && a[^(length + 1)] == b[^(length + 1)]) length++;
        return length;
    }

    private sealed class ByteComparer : IEqualityComparer<byte[]>
    {
        internal static ByteComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] bytes) => bytes.Length;
    }
}
