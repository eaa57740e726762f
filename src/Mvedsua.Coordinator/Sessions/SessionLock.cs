using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Held by the one coordinator that serves a session, as long as it lives; the kernel drops it at its
/// death, whatever kills it (open file description lock, fcntl(2)).</summary>
internal sealed unsafe class SessionLock : IDisposable
{
    private readonly int _fd;

    private SessionLock(int fd) => _fd = fd;

    internal const string FileName = "lock";

    private static string PathOf(string name) => Path.Combine(SessionDirectory.PathOf(name), FileName);

    /// <summary>Makes the session's directory when it is missing and takes the lock; null when another
    /// coordinator has it.</summary>
    /// <exception cref="SessionException">The directory can't be used.</exception>
    internal static SessionLock? TryTake(string name)
    {
        string path = PathOf(name);
        byte* stat = stackalloc byte[256];
        while (true)
        {
            MakeDirectory(name);
            int fd = Libc.Open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0x180 /* 0600 */);
            if (fd < 0)
                throw new SessionException(ExitStatus.LaunchRefused,
                    $"cannot lock {path}: {Marshal.GetLastPInvokeErrorMessage()}");
            var whole = new Libc.FileLock { Type = Libc.F_WRLCK };
            if (Libc.Fcntl(fd, Libc.F_OFD_SETLK, &whole) != 0)
            {
                _ = Libc.Close(fd);
                return null;
            }
            /* The last owner may have removed the file between our open and our lock: then it locks nobody out. */
            if (Libc.Fstat(fd, stat) == 0 && *(ulong*)(stat + 16) != 0) return new SessionLock(fd);
            _ = Libc.Close(fd);
        }
    }

    /// <summary>Whether a coordinator holds the lock now.</summary>
    internal static bool IsHeld(string name)
    {
        int fd = Libc.Open(PathOf(name), Libc.O_RDWR | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
        if (fd < 0) return false;
        var whole = new Libc.FileLock { Type = Libc.F_WRLCK };
        bool held = Libc.Fcntl(fd, Libc.F_OFD_GETLK, &whole) == 0 && whole.Type != Libc.F_UNLCK;
        _ = Libc.Close(fd);
        return held;
    }

    public void Dispose() => _ = Libc.Close(_fd);

    private static void MakeDirectory(string name)
    {
        try
        {
            SessionDirectory.EnsureRoot();
            Directory.CreateDirectory(SessionDirectory.PathOf(name),
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SessionException(ExitStatus.LaunchRefused, $"no place for the session's control socket: {e.Message}");
        }
    }
}
