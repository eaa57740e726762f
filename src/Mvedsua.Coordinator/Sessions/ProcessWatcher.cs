using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Tells the end of processes that are not our children (a coordinator that attached later): one sleeping
/// thread per pidfd (pidfd_open(2)).</summary>
internal sealed class ProcessWatcher
{
    private readonly Action<SessionEvent> _post;
    private readonly HashSet<int> _watched = [];

    internal ProcessWatcher(Action<SessionEvent> post) => _post = post;

    /// <summary>Watches the process from now on; a second call for the same one does nothing. A pid that is free
    /// already is told as ended at once. By one thread, as is <see cref="Forget"/>.</summary>
    internal void Watch(int pid)
    {
        if (pid <= 0 || !_watched.Add(pid)) return;
        int fd = Libc.PidfdOpen(pid);
        if (fd < 0)
            _post(new SessionEvent.ProcessEnded(pid, null, null));
        else
            new Thread(() => WaitFor(pid, fd)) { IsBackground = true, Name = "process watcher" }.Start();
    }

    /// <summary>Its end has been heard of: whoever has the pid next is another process.</summary>
    internal void Forget(int pid) => _watched.Remove(pid);

    private unsafe void WaitFor(int pid, int fd)
    {
        var poll = new Libc.PollFd { Fd = fd, Events = Libc.POLLIN };
        while (Libc.Poll(&poll, 1, -1) < 1)
        {
        }
        _ = Libc.Close(fd);
        _post(new SessionEvent.ProcessEnded(pid, null, null));
    }
}
