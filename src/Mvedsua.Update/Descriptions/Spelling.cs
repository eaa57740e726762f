namespace Mvedsua.Update.Descriptions;

/// <summary>Finds what was probably meant.</summary>
internal static class Spelling
{
    /// <summary>A sentence that names the one or two nearest of the names; null when none is near.</summary>
    internal static string? DidYouMean(string written, IEnumerable<string> names)
    {
        var near = names.Distinct().Select(n => (Name: n, Distance: Distance(written, n)))
            .Where(n => n.Distance <= Math.Max(1, written.Length / 3))
            .OrderBy(n => n.Distance).ThenBy(n => n.Name, StringComparer.Ordinal).Take(2).Select(n => $"\"{n.Name}\"").ToList();
        return near.Count == 0 ? null : $"did you mean {string.Join(" or ", near)}?";
    }

    /// <summary>The number of letters to change, add or drop, or neighbours to swap; names of very different length are just far.</summary>
    internal static int Distance(string left, string right)
    {
        if (Math.Abs(left.Length - right.Length) > 8 || left.Length > 100 || right.Length > 100) return int.MaxValue;
        var rows = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= right.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]) ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[left.Length, right.Length];
    }
}
