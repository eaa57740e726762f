namespace Mvedsua.Rules.Inference;

/// <summary>A place where two traces differ: these events of the old version stand for these of the new one.</summary>
internal sealed record Difference(IReadOnlyList<TracedCall> Old, IReadOnlyList<TracedCall> New);

/// <summary>Two threads side by side.</summary>
/// <param name="Differences">Where they differ.</param>
/// <param name="Equal">Events that both have, as the old version made them.</param>
internal sealed record Aligned(IReadOnlyList<Difference> Differences, IReadOnlyList<TracedCall> Equal);

/// <summary>Lays two traces side by side with as few differences as there can be (Myers, "An O(ND) difference algorithm", 1986).</summary>
internal static class Alignment
{
    private const int MostDifferences = 4000; // 64 MB of paths
    private const int Gap = 4; // equal events between the two halves of a changed order

    /// <exception cref="InvalidOperationException">They have too little in common.</exception>
    internal static Aligned Align(IReadOnlyList<TracedCall> old, IReadOnlyList<TracedCall> now)
    {
        var a = old.Select(call => TraceThread.Signature(call.Record)).ToArray();
        var b = now.Select(call => TraceThread.Signature(call.Record)).ToArray();
        var equal = Pairs(a, b);
        var hunks = new List<(int A, int AEnd, int B, int BEnd)>();
        var (x, y) = (0, 0);
        foreach (var (i, j) in equal.Append((a.Length, b.Length)))
        {
            if (i > x || j > y) hunks.Add((x, i, y, j));
            (x, y) = (i + 1, j + 1);
        }
        Reorder(hunks, a, b);
        var inHunk = hunks.SelectMany(h => Enumerable.Range(h.A, h.AEnd - h.A)).ToHashSet();
        return new(
            [.. hunks.Select(h => new Difference([.. old.Skip(h.A).Take(h.AEnd - h.A)], [.. now.Skip(h.B).Take(h.BEnd - h.B)]))],
            [.. equal.Where(pair => !inHunk.Contains(pair.A)).Select(pair => old[pair.A])]);
    }

    /// <summary>What is missing here and comes there, or the other way round, is one changed order with what is between.</summary>
    private static void Reorder(List<(int A, int AEnd, int B, int BEnd)> hunks, string[] a, string[] b)
    {
        for (var i = 0; i + 1 < hunks.Count; i++)
        {
            var (first, second) = (hunks[i], hunks[i + 1]);
            if (second.A - first.AEnd > Gap) continue;
            var moved = first.B == first.BEnd && second.A == second.AEnd ? a.AsSpan(first.A, first.AEnd - first.A).SequenceEqual(b.AsSpan(second.B, second.BEnd - second.B))
                : first.A == first.AEnd && second.B == second.BEnd && b.AsSpan(first.B, first.BEnd - first.B).SequenceEqual(a.AsSpan(second.A, second.AEnd - second.A));
            if (!moved) continue;
            hunks[i] = (first.A, second.AEnd, first.B, second.BEnd);
            hunks.RemoveAt(i + 1);
        }
    }

    private static List<(int A, int B)> Pairs(string[] a, string[] b)
    {
        var paths = new List<int[]>();
        var ends = new Dictionary<int, int> { [1] = 0 };
        var most = Math.Min(a.Length + b.Length, MostDifferences);
        for (var d = 0; d <= most; d++)
        {
            var row = new int[d + 1];
            for (var k = -d; k <= d; k += 2)
            {
                var x = k == -d || (k != d && ends.GetValueOrDefault(k - 1, -1) < ends.GetValueOrDefault(k + 1, -1)) ? ends.GetValueOrDefault(k + 1, 0) : ends[k - 1] + 1;
                while (x < a.Length && x - k < b.Length && x - k >= 0 && a[x] == b[x - k]) x++;
                ends[k] = row[(k + d) / 2] = x;
                if (x < a.Length || x - k < b.Length) continue;
                paths.Add(row);
                return Back(paths, a.Length, b.Length);
            }
            paths.Add(row);
        }
        throw new InvalidOperationException($"the traces have more than {MostDifferences} differences: are they of the same input?");
    }

    private static List<(int A, int B)> Back(List<int[]> paths, int x, int y)
    {
        var pairs = new List<(int, int)>();
        for (var d = paths.Count - 1; d > 0; d--)
        {
            var (k, before) = (x - y, paths[d - 1]);
            var down = k == -d || (k != d && End(before, d - 1, k - 1) < End(before, d - 1, k + 1));
            var from = down ? k + 1 : k - 1;
            var (startX, start) = (End(before, d - 1, from), End(before, d - 1, from) - from);
            var snake = down ? startX : startX + 1;
            while (x > snake) pairs.Add((--x, --y));
            (x, y) = (startX, start);
        }
        while (x > 0 && y > 0) pairs.Add((--x, --y));
        pairs.Reverse();
        return pairs;
    }

    private static int End(int[] row, int d, int k) => k < -d || k > d ? -1 : row[(k + d) / 2];
}
