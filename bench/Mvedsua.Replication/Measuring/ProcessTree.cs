using System.Globalization;

namespace Mvedsua.Replication.Measuring;

/// <summary>One line of <c>/proc/PID/stat</c>.</summary>
/// <param name="Ticks">Clock ticks used by the process and by the children that it has waited for.</param>
internal sealed record ProcessLine(int Pid, string Name, char State, int Parent, long Ticks)
{
    internal static ProcessLine Parse(string text)
    {
        // The name may hold blanks and parentheses: it ends at the last one.
        var open = text.IndexOf('(', StringComparison.Ordinal);
        var close = text.LastIndexOf(')');
        var fields = close > open && open > 0 ? text[(close + 2)..].Split(' ') : [];
        if (fields.Length < 15) throw new FormatException("not a line of /proc/PID/stat");
        var ticks = Enumerable.Range(11, 4).Sum(i => long.Parse(fields[i], CultureInfo.InvariantCulture));
        return new ProcessLine(int.Parse(text.AsSpan(0, open - 1), CultureInfo.InvariantCulture), text[(open + 1)..close], fields[0][0],
            int.Parse(fields[1], CultureInfo.InvariantCulture), ticks);
    }
}

/// <summary>A process and everything that descends from it.</summary>
internal static class ProcessTree
{
    internal static IReadOnlyList<ProcessLine> Under(int root)
    {
        var all = new List<ProcessLine>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out _)) continue;
            try
            {
                all.Add(ProcessLine.Parse(File.ReadAllText(Path.Combine(directory, "stat"))));
            }
            catch (IOException)
            {
                // It ended since.
            }
        }

        return Under(root, all);
    }

    internal static IReadOnlyList<ProcessLine> Under(int root, IReadOnlyList<ProcessLine> all)
    {
        var children = all.ToLookup(p => p.Parent);
        var found = all.Where(p => p.Pid == root).ToList();
        for (var i = 0; i < found.Count; i++) found.AddRange(children[found[i].Pid]);
        return found;
    }
}
