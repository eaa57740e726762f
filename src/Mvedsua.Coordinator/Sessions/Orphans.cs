using Microsoft.Extensions.Logging;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Children of a leader that died. The kernel makes them this process's, the promoted one takes them for its own:
/// their ends are handed over to it. Belongs to the session's thread.</summary>
/// <param name="control">The promoted process has entered them before it says that it leads.</param>
/// <param name="log">Where it is told that a child's status is lost.</param>
/// <param name="watcher">For a coordinator that is not their new parent, and can only see them end.</param>
internal sealed unsafe class Orphans(ControlBlock control, ILogger log, ProcessWatcher? watcher)
{
    private const int Kept = 256;
    private const long SecondLook = 1000;
    private const int UsageSize = 144; /* struct rusage */

    /// <summary>Ended between their leader's death and the promotion: nobody knows yet that they are orphans. (And
    /// grandchildren of a living leader, which natively are init's.)</summary>
    private readonly Queue<(int Pid, WaitStatus Status, byte[] Usage)> _early = [];
    private readonly Dictionary<int, long> _suspects = []; /* pid → since when (ms) */
    private int _parent;

    /// <summary>A process ended that is none of the session's own.</summary>
    internal void Ended(int pid, WaitStatus? status, byte[]? usage)
    {
        if (status is not { } how || usage is null)
        {
            EndUnknown(pid);
            return;
        }
        if (HandOver(pid, how, usage)) return;
        if (_early.Count == Kept) _early.Dequeue();
        _early.Enqueue((pid, how, usage));
    }

    /// <summary>That process has been promoted.</summary>
    internal void Adopt(int parent)
    {
        _parent = parent;
        _suspects.Clear();
        while (_early.TryDequeue(out var child)) HandOver(child.Pid, child.Status, child.Usage);
        foreach (int pid in control.LivingOrphans()) watcher?.Watch(pid);
    }

    /// <summary>Some time after a dead leader was waited for, twice: a child that is not ours either was waited for by that leader as
    /// it died, before it could tell anybody. Its status is lost. (Or it has ended just now, and that will be told in a moment:
    /// so a second look that comes at once says nothing.)</summary>
    /// <param name="leadersGone">All former leaders were waited for. Until then the kernel may not have made their children ours.</param>
    /// <param name="now">Milliseconds.</param>
    internal void LoseStrangers(bool leadersGone, long now)
    {
        if (watcher is not null) return;
        if (!leadersGone)
        {
            _suspects.Clear();
            return;
        }
        byte* info = stackalloc byte[128];
        foreach (int pid in control.LivingOrphans())
        {
            bool ours = Libc.Waitid(Libc.P_PID, pid, info, Libc.WEXITED | Libc.WNOHANG | Libc.WNOWAIT | Libc.WALL) == 0;
            if (ours || _suspects.TryAdd(pid, now)) continue;
            if (now - _suspects[pid] >= SecondLook) EndUnknown(pid);
        }
    }

    /// <summary>How it ended can't be known. It counts as killed: what it was to do can't be relied on.</summary>
    private void EndUnknown(int pid)
    {
        if (HandOver(pid, new WaitStatus(Signals.Kill), new byte[UsageSize])) SessionLog.ChildUnknown(log, pid);
    }

    private bool HandOver(int pid, WaitStatus status, byte[] usage)
    {
        if (!control.EndOrphan(pid, status.Raw, usage)) return false;
        _ = ShimKick.Send(_parent, (int)MvAbi.KickRequest);
        return true;
    }
}
