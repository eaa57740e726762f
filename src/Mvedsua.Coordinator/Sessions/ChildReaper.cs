using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Waits for every child of this process: the server, its follower and keeper (made with CLONE_PARENT), and
/// what the subreaper inherits. Only one can exist in a process, and nothing else in it may wait for children but <see cref="Tool"/>.</summary>
internal sealed unsafe class ChildReaper
{
    private const int UsageSize = 144; /* struct rusage */
    private readonly Action<SessionEvent> _post;

    internal ChildReaper(Action<SessionEvent> post) => _post = post;

    internal void Start() => new Thread(Run) { IsBackground = true, Name = "child reaper" }.Start();

    private void Run()
    {
        byte[] usage = new byte[UsageSize];
        byte* info = stackalloc byte[128];
        while (true)
        {
            /* Looked at before it is waited for: then what it had not taken is gone. */
            if (Libc.Waitid(Libc.P_ALL, 0, info, Libc.WEXITED | Libc.WNOWAIT | Libc.WALL) != 0)
            {
                if (Marshal.GetLastPInvokeError() != Libc.EINTR) break; /* ECHILD */
                continue;
            }
            int status, pid = *(int*)(info + 16);
            if (Tool.Takes(pid)) continue;
            ulong pending = HeldSignals.Pending(pid);
            fixed (byte* u = usage)
                pid = Libc.Wait4(pid, &status, Libc.WALL, u);
            if (pid > 0) _post(new SessionEvent.ProcessEnded(pid, new WaitStatus(status), usage.ToArray(), pending));
        }
        _post(new SessionEvent.NoChildLeft());
    }
}
