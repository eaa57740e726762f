using System.Globalization;

namespace Mvedsua.Coordinator.Interop;

/// <summary>What /proc/PID/stat says of a process or thread (proc(5)).</summary>
/// <param name="Name">The thread's name, or its main thread's.</param>
/// <param name="State">R: it has or wants a processor; T, t: it is stopped; Z, X: it has ended; and others.</param>
/// <param name="Parent">The parent's pid.</param>
/// <param name="Threads">How many threads the process has.</param>
/// <param name="StartTime">Clock ticks between boot and start.</param>
/// <param name="InitialStack">Bottom of the main thread's stack; 0 for whoever may not know.</param>
internal readonly record struct ProcStat(string Name, char State, int Parent, int Threads, ulong StartTime, ulong InitialStack)
{
    /// <summary>By a signal or a debugger.</summary>
    internal bool IsStopped => State is 'T' or 't';

    /// <summary>A process, a zombie too; null: there is none.</summary>
    internal static ProcStat? Of(int pid) => Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));

    /// <summary>Its threads; none when it has ended.</summary>
    internal static IReadOnlyList<ProcStat> ThreadsOf(int pid)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task"))
                .Select(task => Read(Path.Combine(task, "stat"))).OfType<ProcStat>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static ProcStat? Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        /* The name in parentheses may hold blanks and parentheses itself: the fields follow the last one. */
        int begin = text.IndexOf('(', StringComparison.Ordinal), end = text.LastIndexOf(')');
        if (begin < 0 || end < begin) return null;
        string[] fields = text[(end + 2)..].Split(' '); /* from field 3 on */
        if (fields.Length <= 28 - 3) return null;
        return new ProcStat(text[(begin + 1)..end], fields[0][0], int.Parse(fields[4 - 3], CultureInfo.InvariantCulture),
            int.Parse(fields[20 - 3], CultureInfo.InvariantCulture), Number(fields[22 - 3]), Number(fields[28 - 3]));
    }

    private static ulong Number(string field) => ulong.Parse(field, CultureInfo.InvariantCulture);
}
