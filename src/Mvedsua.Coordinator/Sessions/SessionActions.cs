using Mvedsua.Abi;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Carries out what the state machine says.</summary>
internal sealed partial class Session
{
    private void Apply(IReadOnlyList<SessionAction> actions)
    {
        foreach (SessionAction action in actions) Apply(action);
    }

    private void Apply(SessionAction action)
    {
        ControlView view = _members.View();
        switch (action)
        {
            case SessionAction.PhaseChanged change:
                SessionLog.PhaseChanged(_log, change.From, change.To);
                break;
            case SessionAction.FollowerAttached attached:
                bool updating = view.Members[attached.Who.Version].IsUpdating;
                if (updating) SessionLog.CopyMade(_log, attached.Who.Pid, attached.Pause.TotalMilliseconds);
                else SessionLog.FollowerAttached(_log, attached.Who.Pid, attached.Pause.TotalMilliseconds);
                Remember(updating ? $"copy {attached.Who.Pid} is updated" : $"follower {attached.Who.Pid} attached");
                if (!updating)
                {
                    ulong leader = view.Members[view.LeaderVersion].Generation;
                    _versions.Followed(attached.Who, leader);
                    FindVersions(attached.Who, _versions.Of(leader).Number);
                }
                else if (_attempting && !_copyIsUnwanted)
                {
                    _stages.Copied(LeaderPid, attached.Who.Pid);
                    _plan?.Copied(attached.Who.Pid);
                }
                else
                {
                    EndFollower(attached.Who, MvReason.UpdateFailed); /* or an earlier coordinator's, which knew what it was to become */
                }
                _failures.RemoveAll(failure => failure.Pid != LeaderPid); /* made good; but a leader may have died as it made this one */
                if (!updating && LagMonitor.StartIfLimited(_memory, attached.Who, Post) is { } monitor) _lagMonitors[attached.Who] = monitor;
                WatchForHang(attached.Who); /* a copy, too: it will replay what its leader does meanwhile */
                break;
            case SessionAction.FollowerEnded { Who: var ended }:
                Member member = view.Members[ended.Version];
                string why = Reasons.Explain(member.Reason, member.ReasonCode, member.ReasonText);
                if (ended.Pid > 0) SessionLog.FollowerEnded(_log, ended.Pid, why); /* else the shim's own line is there */
                Remember(ended.Pid > 0 ? $"follower {ended.Pid} ended: {why}" : $"follower ended: {why}");
                if (member.Reason == MvReason.FollowerDied && ended.Pid > 0) Report(ended, ended.Version, ReportKind.FollowerDied);
                if (member.Reason == MvReason.Replaced && ended.Pid > 0) KillLater(ended.Pid, EndingTime);
                if (_lagMonitors.Remove(ended, out LagMonitor? watched)) watched.Dispose();
                StopWatchingForHang(ended);
                if (_watch?.Who == ended) StopWatching();
                if (member.Reason is MvReason.Diverged or MvReason.FollowerDied) ReportOf(ended.Pid); /* which may be begun later */
                _stages.FollowerEnded(ended.Pid);
                Do(_plan?.FollowerEnded(ended.Pid, member.Reason, why));
                break;
            case SessionAction.FollowerDied died:
                _memory.Control.EndPublishing(died.Who.Version, died.Who.Generation, MvReason.FollowerDied, died.Status?.Signal ?? 0, followerIsGone: true);
                break;
            case SessionAction.TakeReport { Who: var parked }:
                _memory.Control.EndPublishing(parked.Version, parked.Generation, MvReason.Diverged, 0, followerIsGone: false);
                Report(parked, parked.Version, ReportKind.Diverged);
                break;
            case SessionAction.LeaderEnded ended:
                _status = ended.Status;
                break;
            case SessionAction.FailureNoted failure:
                _failures.Add((failure.Pid, failure.Status, Environment.TickCount64));
                break;
            case SessionAction.LetFollowerEnd end:
                KillLater(end.Who.Pid, BacklogTime);
                break;
            case SessionAction.LeaderChanged changed:
                _formerLeader = LeaderPid;
                LeaderPid = changed.To;
                _orphans.Adopt(changed.To);
                StopWatching(); /* its marks are in the dead leader's logs */
                _stages.LeaderDied(changed.From.Pid, changed.To);
                Do(_plan?.LeaderDied(changed.To));
                Post(new SessionEvent.Inspect(() => FollowAgain(view.Generation)));
                SessionLog.LeaderChanged(_log, changed.From.Pid, changed.To, view.FailoverTime.TotalMilliseconds);
                ServiceManager.TellMainPid(changed.To);
                /* Its status says what killed it; it comes when the kernel has torn it down, which takes time. */
                if (changed.Status is null && _ownsServer) break;
                TellFailover(changed.From, changed.Status);
                break;
            case SessionAction.PlacesChanged changed:
                LeaderPid = changed.To;
                Post(new SessionEvent.Inspect(() => FollowAgain(view.Generation - 1)));
                SessionLog.PlacesChanged(_log, changed.To, changed.From, changed.Pause.TotalMilliseconds);
                Remember($"{changed.To} leads, {changed.From} follows it");
                StopWatching();
                _stages.PlacesChanged(changed.From, changed.To);
                _plan?.PlacesChanged(changed.From, changed.To);
                ServiceManager.TellMainPid(changed.To);
                break;
            case SessionAction.FormerLeaderEnded former when _ownsServer:
                TellFailover(former.Who, former.Status);
                break;
            case SessionAction.StrangerEnded stranger:
                _orphans.Ended(stranger.Pid, stranger.Status, stranger.Usage);
                break;
            case SessionAction.ProcessesChanged:
                Save();
                if (_watcher is { } watcher)
                    foreach (int pid in _state.Members) watcher.Watch(pid);
                break;
            case SessionAction.SessionEnded ended:
                _status = ended.Status ?? _status;
                SessionLog.SessionEnded(_log, _status?.ToString() ?? "status unknown");
                TellNobodyLeft();
                break;
        }
    }
}
