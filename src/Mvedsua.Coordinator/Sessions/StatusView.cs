using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>A session's status as read from its memory; needs no coordinator.</summary>
internal static class StatusView
{
    /// <param name="file">What is known of the session.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="leader">Who leads.</param>
    /// <param name="followers">Who follows, the eldest first.</param>
    /// <param name="history">Role switches and ended followers.</param>
    /// <param name="stage">Which version leads, as far as it is known.</param>
    /// <param name="update">How far an update is; null: there is none.</param>
    internal static SessionStatus Make(SessionFile file, SharedMemory memory, int leader, IReadOnlyList<Follower> followers,
        IReadOnlyList<PastEvent> history, Stage stage = Stage.SingleLeader, UpdateStatus? update = null)
    {
        ControlBlock control = memory.Control.Block;
        int version = control.LeaderVersion;
        int logical = control.LogicalPid != 0 ? control.LogicalPid : leader;
        return new SessionStatus(
            file.Name,
            stage,
            file.Command,
            file.Started,
            new ProcessStatus(leader, logical, Threads(control, version)),
            [.. followers.Select(f => Of(memory, f, logical))],
            new SiteStatus(control.SitesRewritten, control.SitesTrapped, control.SitesRefused),
            new LogStatus((long)memory.Memory.HeldBytes, (long)control.LogLimit),
            history,
            update);
    }

    private static FollowerStatus Of(SharedMemory memory, Follower follower, int logical)
    {
        ControlBlock control = memory.Control.Block;
        (long events, long bytes) = LagMonitor.Measure(memory, follower.Version);
        string state = control.Member(follower.Version).State switch
        {
            MvMemberState.Replaying => "replaying",
            MvMemberState.Parked => "diverged",
            MvMemberState.None => "starting",
            MvMemberState.Updating => "updating",
            _ => "ended",
        };
        return new FollowerStatus(follower.Pid, logical, Threads(control, follower.Version), state, new LagStatus(events, bytes));
    }

    private static int Threads(ControlBlock control, int version)
    {
        int count = 0;
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
            if (control.Thread(version, slot).State is not (MvThreadState.Free or MvThreadState.Exited)) count++;
        return count;
    }
}
