using System.Globalization;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>A process told apart from a later one with the same pid by its start time.</summary>
/// <param name="Pid">Process id; positive.</param>
/// <param name="StartTime">Field 22 of /proc/PID/stat: clock ticks between boot and start (proc(5)).</param>
public readonly record struct ProcessIdentity(int Pid, ulong StartTime)
{
    /// <summary>The process that has this pid now; null when there is none or it is a zombie.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        if (pid <= 0) return null;
        string text;
        try
        {
            text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        /* The name in parentheses may hold blanks and parentheses itself: the fields follow the last one. */
        int end = text.LastIndexOf(')');
        if (end < 0) return null;
        string[] fields = text[(end + 2)..].Split(' ');
        if (fields.Length < 20 || fields[0] == "X") return null;
        /* A zombie whose other threads run on (its main thread called pthread_exit) is alive. */
        if (fields[0] == "Z" && int.Parse(fields[17], CultureInfo.InvariantCulture) <= 1) return null;
        return new ProcessIdentity(pid, ulong.Parse(fields[19], CultureInfo.InvariantCulture));
    }

    /// <summary>Whether that very process still runs.</summary>
    public bool IsAlive => Of(Pid) == this;
}
