using Mvedsua.Abi;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Followers that stand still though there is something to replay, at any time: threads that wait for each other in memory may do so
/// for ever where their leader's did not. Nothing else would end such a follower before the log is full.</summary>
internal sealed partial class Session
{
    private readonly Dictionary<Follower, ReplayWatch> _hangWatches = [];

    private void WatchForHang(Follower who)
    {
        foreach (Follower gone in _hangWatches.Keys.Where(f => f == who || !_state.Followers.Contains(f)).ToList()) StopWatchingForHang(gone);
        _hangWatches[who] = ReplayWatch.ForLife(_memory, who, Post);
    }

    private void StopWatchingForHang(Follower who)
    {
        if (_hangWatches.Remove(who, out ReplayWatch? watch)) watch.Dispose();
    }

    private void StopWatchingForHangs()
    {
        foreach (Follower who in _hangWatches.Keys.ToList()) StopWatchingForHang(who);
    }

    private void Stalled(Follower who, TimeSpan howLong)
    {
        if (!_state.Followers.Contains(who)) return;
        /* An update is given less time, and only while it is watched. */
        bool ofUpdate = howLong < ReplayWatch.PatienceForLife;
        if (ofUpdate && _plan?.Watched != who.Pid) return;
        if (!ofUpdate) Report(who, who.Version, ReportKind.Stalled); /* its threads are still there */
        EndFollower(who, MvReason.Stalled, (int)howLong.TotalSeconds);
    }
}
