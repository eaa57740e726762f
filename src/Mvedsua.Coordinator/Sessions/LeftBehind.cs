using System.Globalization;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>What a server that has ended left running: its children are ours now (subreaper).</summary>
internal static class LeftBehind
{
    /// <summary>The living children of this process, but for those; as "1234 (name)".</summary>
    internal static IReadOnlyList<string> Except(IReadOnlyCollection<int> known)
    {
        /* Not by /proc/self/task/TID/children: a child can pass from one thread's list to another's meanwhile. */
        var found = new List<string>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) continue;
            if (known.Contains(pid) || ProcStat.Of(pid) is not { } stat || stat.Parent != Environment.ProcessId || ProcessIdentity.Of(pid) is null) continue;
            found.Add(string.Create(CultureInfo.InvariantCulture, $"{pid} ({stat.Name})"));
        }
        return found;
    }
}
