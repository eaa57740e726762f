using System.ComponentModel;
using System.Globalization;
using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Finds the server of a session whose coordinator has died.</summary>
internal static class SessionSurvivor
{
    /// <summary>A process of the session that still runs: one that its file names, or else one that has come since the file was written (the coordinator may
    /// have died before it noted a follower, and the leader after it). null: the server has ended.</summary>
    internal static ProcessIdentity? Of(SessionFile file) =>
        file.Processes.Cast<ProcessIdentity?>().FirstOrDefault(p => p!.Value.IsAlive) ?? Newcomer(file);

    /// <summary>It holds the session's memory, known by its inode (a session of another user's, or in another directory, may have the name), and is named
    /// there: a server's child may hold it, too.</summary>
    private static ProcessIdentity? Newcomer(SessionFile file)
    {
        if (file.Memory == 0) return null; /* an older release's file */
        IEnumerable<int> pids = Directory.EnumerateDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out int pid) ? pid : 0);
        return pids.Where(pid => pid != 0 && IsNamed(file, pid)).Select(ProcessIdentity.Of).FirstOrDefault(process => process is not null);
    }

    private static bool IsNamed(SessionFile file, int pid)
    {
        if (SharedMemory.Find(file.Name, pid) is not { } path || SharedMemory.InodeOf(path) != file.Memory) return false;
        try
        {
            using SessionMemory memory = SessionMemory.Open(path, writable: false);
            ControlBlock control = memory.Control;
            return control.LeaderPid == pid || Enumerable.Range(0, (int)MvAbi.Versions).Any(version => control.Member(version).Pid == pid);
        }
        catch (Exception e) when (e is Win32Exception or SessionMemoryException or IOException or UnauthorizedAccessException)
        {
            return false; /* it has just ended */
        }
    }
}
