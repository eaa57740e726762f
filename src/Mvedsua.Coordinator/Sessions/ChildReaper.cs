using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Waits for every child of this process: the server, its follower and keeper (made with CLONE_PARENT), and
/// what the subreaper inherits. Only one can exist in a process, and nothing else in it may wait for children.</summary>
internal sealed unsafe class ChildReaper
{
    private const int UsageSize = 144; /* struct rusage */
    private readonly Action<SessionEvent> _post;

    internal ChildReaper(Action<SessionEvent> post) => _post = post;

    internal void Start() => new Thread(Run) { IsBackground = true, Name = "child reaper" }.Start();

    private void Run()
    {
        byte[] usage = new byte[UsageSize];
        while (true)
        {
            int status, pid;
            fixed (byte* u = usage)
                pid = Libc.Wait4(-1, &status, Libc.WALL, u);
            if (pid > 0)
                _post(new SessionEvent.ProcessEnded(pid, new WaitStatus(status), usage.ToArray()));
            else if (Marshal.GetLastPInvokeError() != Libc.EINTR)
                break; /* ECHILD */
        }
        _post(new SessionEvent.NoChildLeft());
    }
}
