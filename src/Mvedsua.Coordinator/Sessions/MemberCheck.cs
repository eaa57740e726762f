using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Lets only processes of the session pass as its leader, follower and keeper. The control block is written by
/// the server's processes and may be damaged: a number in it must never make the coordinator signal a stranger.</summary>
/// <param name="memory">The session's name is in its memory's, which the members hold open.</param>
/// <param name="name">The session's name.</param>
internal sealed class MemberCheck(SharedMemory memory, string name)
{
    private readonly HashSet<int> _members = [];
    private int _leader;

    /// <summary>Takes the process for a member: it was started or waited for by us.</summary>
    internal void Trust(int pid) => _members.Add(pid);

    /// <summary>The process has ended, and its pid may be another's soon.</summary>
    internal void Forget(int pid) => _members.Remove(pid);

    /// <summary>The control block's state; a leader that is none is taken for the last known one, other strangers for nobody.</summary>
    internal ControlView View()
    {
        ControlView view = memory.Control.View();
        if (IsMember(view.LeaderPid)) _leader = view.LeaderPid;
        return view with
        {
            LeaderPid = _leader,
            Members = [.. view.Members.Select(m => IsMember(m.Pid) ? m : m with { Pid = 0 })],
            KeeperPid = IsMember(view.KeeperPid) ? view.KeeperPid : 0,
        };
    }

    private bool IsMember(int pid)
    {
        if (pid <= 1) return false;
        if (_members.Contains(pid)) return true;
        /* A zombie has no descriptors any more, but it has a parent. */
        if (ProcStat.Of(pid)?.Parent != Environment.ProcessId && !SharedMemory.IsHeldBy(name, pid)) return false;
        return _members.Add(pid);
    }
}
