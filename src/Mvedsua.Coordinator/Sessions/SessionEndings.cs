using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>How processes of the session end: those that it ends, at once or later, and what is told of those that died.</summary>
internal sealed partial class Session
{
    private static readonly TimeSpan EndingTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BacklogTime = TimeSpan.FromSeconds(10); /* for what is left to replay of a leader that has exited */
    private const long AtOnce = 5000; /* ms: two deaths that left no time for a new follower */
    private readonly List<(int Pid, WaitStatus Status, long At)> _failures = []; /* At: ms */

    /// <summary>After <see cref="Run"/>: the server was followed, and both were killed at once.</summary>
    internal bool NobodyLeft { get; private set; }

    /// <summary>Tells the leader to go solo and ends the follower, which has no effect outside itself; but not one that has just taken
    /// over from a leader that died, nor one that somebody else has ended: false.</summary>
    private bool EndFollower(Follower who, MvReason reason, int code = 0)
    {
        bool ends = _memory.Control.EndPublishing(who.Version, who.Generation, reason, code, followerIsGone: false);
        if (ends) _ = Libc.Kill(who.Pid, Signals.Kill);
        return ends;
    }

    private void LetGo(Follower seen)
    {
        KillLater(seen.Pid, EndingTime, wasSeen: true);
        /* Its index may be another follower's by now, whose report is not taken yet. */
        if (_memory.Control.Block.Member(seen.Version).Generation == seen.Generation)
            _memory.Control.MarkReportTaken(seen.Version);
    }

    private void KillLater(int follower, TimeSpan delay, bool wasSeen = false)
    {
        if (ProcessIdentity.Of(follower) is { } process) After(delay, new SessionEvent.FollowerOverdue(process, wasSeen));
    }

    /// <summary>It differs, and is being looked at: it is let go of when that is done.</summary>
    private bool IsParked(int pid) => _memory.Control.View().Members.Any(member => member.Pid == pid && member.State == MvMemberState.Parked);

    /// <summary>A keeper, or a follower that nobody needs any more, must not outlive the session.</summary>
    private void EndRemaining()
    {
        foreach (ProcessIdentity process in _file.Processes.Where(p => p.IsAlive)) _ = Libc.Kill(process.Pid, Signals.Kill);
    }

    private void TellFailover(FormerLeader from, WaitStatus? status)
    {
        string how = status?.ToString() ?? "status unknown";
        SessionLog.LeaderEnded(_log, from.Pid, how);
        Remember($"leader {from.Pid} is gone ({how}), {LeaderPid} leads");
        LoseStrangersLater();
        Report(new Follower(0, LeaderPid, 0), from.Version, ReportKind.Failover, status);
    }

    /// <summary>A leader that died with a follower beside it should have been succeeded. Which of the two is waited for first is chance.</summary>
    private void TellNobodyLeft()
    {
        long now = Environment.TickCount64;
        if (_failures.Count < 2 || _failures[^1].Pid == _failures[^2].Pid || now - _failures[^2].At > AtOnce) return;
        if (_failures.All(failure => failure.Pid != LeaderPid)) return; /* it has exited of its own accord */
        NobodyLeft = true;
        SessionLog.NobodyLeft(_log, string.Join(" and ", _failures.TakeLast(2).Select(failure => $"{failure.Pid} ({failure.Status})")));
    }

    private void LoseStrangersLater()
    {
        var look = new SessionEvent.Inspect(() => _orphans.LoseStrangers(_state.FormerLeadersGone, Environment.TickCount64));
        After(EndingTime, look);
        After(2 * EndingTime, look);
    }
}
