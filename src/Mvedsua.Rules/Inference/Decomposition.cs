using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Inference;

/// <summary>Takes a difference apart into such as one rule explains: runs of sends, pairs of the same call, single questions.</summary>
internal static class Decomposition
{
    internal static IEnumerable<Difference> Of(Difference whole)
    {
        var (old, now) = (whole.Old.ToList(), whole.New.ToList());
        if (IsReordering(old, now)) return [whole];
        var parts = new List<Difference>();
        while (old.Count > 0 || now.Count > 0)
        {
            var (a, b) = Next(old, now);
            parts.Add(new([.. old.Take(a)], [.. now.Take(b)]));
            old.RemoveRange(0, a);
            now.RemoveRange(0, b);
        }
        return parts;
    }

    private static (int Old, int New) Next(List<TracedCall> old, List<TracedCall> now)
    {
        if (old.Count == 0) return (0, 1);
        if (now.Count == 0) return (1, 0);
        for (var n = old.Count; n > 0; n--)
            if (Shape.Of(new([.. old.Take(n)], [now[0]])) is { Kind: ShapeKind.Joined }) return (n, 1);
        for (var n = now.Count; n > 1; n--)
            if (Shape.Of(new([old[0]], [.. now.Take(n)])) is { Kind: ShapeKind.Split }) return (1, n);
        if (old[0].Record.Row == now[0].Record.Row) return (1, 1);
        if (ArgumentFacts.IsHarmless(now[0].Record.Row)) return (0, 1);
        if (ArgumentFacts.IsHarmless(old[0].Record.Row)) return (1, 0);
        return (old.Count, now.Count);
    }

    private static bool IsReordering(List<TracedCall> old, List<TracedCall> now) => old.Count > 1 && old.Count == now.Count
        && old.Select(call => call.Record.Row.Name).Order(StringComparer.Ordinal).SequenceEqual(now.Select(call => call.Record.Row.Name).Order(StringComparer.Ordinal), StringComparer.Ordinal)
        && !old.Select(call => call.Record.Row).SequenceEqual(now.Select(call => call.Record.Row));
}
