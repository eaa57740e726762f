namespace Mvedsua.Rules.Language;

/// <summary>"Did you mean": the known name that is nearest to a wrong one.</summary>
internal static class Suggestion
{
    /// <summary>The hint, or null when no name is near.</summary>
    internal static string? For(string wrong, IEnumerable<string> known)
    {
        if (wrong.Length > 64) return null;
        var (best, distance) = ("", Math.Max(1, wrong.Length / 3) + 1);
        foreach (var name in known)
        {
            var found = Distance(wrong, name);
            if (found < distance) (best, distance) = (name, found);
        }
        return best.Length == 0 ? null : $"did you mean '{best}'?";
    }

    /// <summary>Fewest insertions, removals, replacements and swaps of neighbours, case ignored.</summary>
    private static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var change = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                var least = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1])) least = Math.Min(least, rows[i - 2, j - 2] + 1);
                rows[i, j] = least;
            }
        }
        return rows[a.Length, b.Length];
    }

    private static bool Same(char a, char b) => char.ToUpperInvariant(a) == char.ToUpperInvariant(b);
}
