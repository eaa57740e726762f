using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Inference;

/// <summary>The same piece of a buffer that differs in the same way in all differences, with the text around it that is always there.</summary>
internal static class Rewriting
{
    private const int Context = 32; // bytes

    /// <summary>The two buffer patterns; null: there is no such piece.</summary>
    internal static (string Old, string New)? Find(IReadOnlyList<Difference> all)
    {
        if (all[0].Old.Count != 1 || all[0].New.Count != 1) return null;
        var at = (Old: Shape.SentBuffer(all[0].Old[0].Record), New: Shape.SentBuffer(all[0].New[0].Record));
        if (at.Old < 0 || at.New < 0) return null;
        var pieces = new List<(byte[] Head, byte[] Old, byte[] New, byte[] Tail)>();
        foreach (var difference in all)
        {
            if (difference.Old[0].Record.Sent[at.Old] is not { } a || difference.New[0].Record.Sent[at.New] is not { } b) return null;
            var head = a.AsSpan().CommonPrefixLength(b);
            var tail = 0;
            while (tail < Math.Min(a.Length, b.Length) - head && a[^(tail + 1)] == b[^(tail + 1)]) tail++;
            pieces.Add((a[..head], a[head..^tail], b[head..^tail], a[^tail..]));
        }
        if (pieces.Exists(p => !p.Old.AsSpan().SequenceEqual(pieces[0].Old) || !p.New.AsSpan().SequenceEqual(pieces[0].New))) return null;
        var before = pieces.Select(p => p.Head).Aggregate((x, y) => x[(x.Length - CommonEnd(x, y))..]);
        var after = pieces.Select(p => p.Tail).Aggregate((x, y) => x[..x.AsSpan().CommonPrefixLength(y)]);
        var hasHead = pieces.Exists(p => p.Head.Length > before.Length) || before.Length > Context;
        var hasTail = pieces.Exists(p => p.Tail.Length > after.Length) || after.Length > Context;
        if (before.Length > Context) before = before[^Context..];
        if (after.Length > Context) after = after[..Context];
        if (before.Length + pieces[0].Old.Length + after.Length == 0) return null;
        return (Pattern(pieces[0].Old), Pattern(pieces[0].New));

        string Pattern(byte[] piece) => $"{(hasHead ? "$head " : "")}{QuotedText.Quote([.. before, .. piece, .. after])}{(hasTail ? " $tail" : "")}";
    }

    private static int CommonEnd(byte[] a, byte[] b)
    {
        var length = 0;
        while (length < Math.Min(a.Length, b.Length) && a[^(length + 1)] == b[^(length + 1)]) length++;
        return length;
    }
}
