using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>A process told apart from a later one with the same pid by its start time.</summary>
/// <param name="Pid">Process id; positive.</param>
/// <param name="StartTime">Field 22 of /proc/PID/stat: clock ticks between boot and start (proc(5)).</param>
public readonly record struct ProcessIdentity(int Pid, ulong StartTime)
{
    /// <summary>The process that has this pid now; null when there is none or it is a zombie.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        if (pid <= 0 || ProcStat.Of(pid) is not { State: not 'X' } stat) return null;
        /* A zombie whose other threads run on (its main thread called pthread_exit) is alive. */
        return stat is { State: 'Z', Threads: <= 1 } ? null : new ProcessIdentity(pid, stat.StartTime);
    }

    /// <summary>Whether that very process still runs.</summary>
    public bool IsAlive => Of(Pid) == this;
}
