using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>A session's status as read from its memory; needs no coordinator.</summary>
internal static class StatusView
{
    /// <param name="file">What is known of the session.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="leader">Who leads.</param>
    /// <param name="follower">Who follows; 0: nobody.</param>
    /// <param name="history">Role switches and ended followers.</param>
    internal static SessionStatus Make(SessionFile file, SharedMemory memory, int leader, int follower,
        IReadOnlyList<PastEvent> history)
    {
        ControlBlock control = memory.Control.Block;
        int version = control.LeaderVersion;
        int logical = control.LogicalPid != 0 ? control.LogicalPid : leader;
        (long events, long bytes) = follower == 0 ? (0, 0) : LagMonitor.Measure(memory);
        return new SessionStatus(
            file.Name,
            Stage.SingleLeader,
            file.Command,
            file.Started,
            new ProcessStatus(leader, logical, Threads(control, version)),
            follower == 0 ? null : new ProcessStatus(follower, logical, Threads(control, 1 - version)),
            new LagStatus(events, bytes),
            new SiteStatus(control.SitesRewritten, control.SitesTrapped, control.SitesRefused),
            new LogStatus((long)memory.Memory.HeldBytes, (long)control.LogLimit),
            history);
    }

    private static int Threads(ControlBlock control, int version)
    {
        int count = 0;
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
            if (control.Thread(version, slot).State is not (MvThreadState.Free or MvThreadState.Exited)) count++;
        return count;
    }
}
