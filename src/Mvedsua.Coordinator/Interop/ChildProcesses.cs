using System.Globalization;

namespace Mvedsua.Coordinator.Interop;

/// <summary>The children of a process that it has not waited for, as the kernel knows them.</summary>
internal static class ChildProcesses
{
    /// <summary>None when it has ended, or the kernel does not tell.</summary>
    internal static IReadOnlyList<int> Of(int pid)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task")).SelectMany(OfThread)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>For people: <c>4711 (redis-server), 4712</c>.</summary>
    internal static string Text(IEnumerable<int> children) =>
        string.Join(", ", children.Select(child => ProcStat.Of(child) is { } stat ? $"{child} ({stat.Name})" : $"{child}"));

    private static IEnumerable<int> OfThread(string task)
    {
        try
        {
            return [.. File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(child => int.Parse(child, CultureInfo.InvariantCulture))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; /* the thread has ended */
        }
    }
}
