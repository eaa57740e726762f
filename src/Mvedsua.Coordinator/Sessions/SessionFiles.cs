using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Tidies a session's directory.</summary>
internal static class SessionFiles
{
    /// <summary>After the server's end: reports stay to be read, everything goes when there are none. The lock is held.</summary>
    internal static void RemoveAfterEnd(string name)
    {
        try
        {
            File.Delete(SessionDirectory.SocketOf(name));
            if (new ReportStore(SessionDirectory.PathOf(name)).Any) return;
            Directory.Delete(SessionDirectory.PathOf(name), recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            /* Somebody has tidied up already, or left us no right to; the server's own status matters more. */
        }
    }

    /// <summary>Before a new session takes the name: nothing of an earlier one stays but the lock, which we hold.</summary>
    internal static void RemoveStale(string name)
    {
        foreach (string path in Directory.EnumerateFiles(SessionDirectory.PathOf(name)))
            if (Path.GetFileName(path) != SessionLock.FileName) File.Delete(path);
    }
}
