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

    private void Stalled(SessionEvent.Stalled stalled)
    {
        Follower who = stalled.Who;
        if (!_state.Followers.Contains(who)) return;
        /* An update is given less time, and only while it is watched. */
        if (stalled.InUpdate && _plan?.Watched != who.Pid) return;
        /* It may have gone on, have been ended or lead since it was looked at. */
        if (!ReplayWatch.StillHolds(_memory, stalled)) return;
        ReportBuilder? report = stalled.InUpdate ? null : ReportOn(who, who.Version, ReportKind.Stalled, howLong: stalled.HowLong); /* its threads are still there */
        if (EndFollower(who, MvReason.Stalled, (int)stalled.HowLong.TotalSeconds) && report is not null) Make(report, who, ReportKind.Stalled);
    }
}
