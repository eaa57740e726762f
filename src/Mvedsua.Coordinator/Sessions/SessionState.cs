using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Where a session stands. Every change is caused by an event: the shim's, or the end of a process.</summary>
/// <remarks><code>
///  Starting ──▶ SingleLeader ◀──▶ Attaching ──▶ Followed
///                    ▲  ▲                        │   │
///                    │  └──── follower ended ────┘   │ leader died
///                    └──────── promoted ── Failover ◀┘
///  any ── last process ended ──▶ Ended
/// </code></remarks>
internal enum Phase
{
    Starting,
    SingleLeader,
    Attaching,
    Followed,
    Failover,
    Ended,
}

/// <summary>What the session has to do or tell because of an event.</summary>
internal abstract record SessionAction
{
    internal sealed record PhaseChanged(Phase From, Phase To) : SessionAction;

    /// <summary>A follower replays.</summary>
    internal sealed record FollowerAttached(int Pid, TimeSpan Pause) : SessionAction;

    /// <summary>A follower is gone, for the reason that the control block holds. Pid 0: it had ended before anybody looked.</summary>
    internal sealed record FollowerEnded(int Pid) : SessionAction;

    /// <summary>The follower ended without the shim's doing: the leader must be told.</summary>
    internal sealed record FollowerDied(int Pid, WaitStatus? Status) : SessionAction;

    /// <summary>A follower is parked at a divergence and waits until its report is taken.</summary>
    internal sealed record TakeReport(int Pid) : SessionAction;

    /// <summary>The follower has become the leader.</summary>
    internal sealed record LeaderChanged(int From, int To, WaitStatus? Status) : SessionAction;

    /// <summary>A leader ended; who takes over is not yet known.</summary>
    internal sealed record LeaderEnded(int Pid, WaitStatus? Status) : SessionAction;

    /// <summary>A former leader has been waited for, after the promotion of its follower.</summary>
    internal sealed record FormerLeaderEnded(int Pid, WaitStatus? Status) : SessionAction;

    /// <summary>The leader has exited of its own accord: a follower has no more to do.</summary>
    internal sealed record LetFollowerEnd(int Pid) : SessionAction;

    /// <summary>A process that is none of the session's own ended: a child of the server, or of a child.</summary>
    internal sealed record StrangerEnded(int Pid, WaitStatus? Status, byte[]? Usage) : SessionAction;

    /// <summary>Other processes hold the session memory than before.</summary>
    internal sealed record ProcessesChanged : SessionAction;

    /// <summary>The last process of the session has ended; the server's exit status is that of its last leader.</summary>
    internal sealed record SessionEnded(WaitStatus? Status) : SessionAction;
}

/// <summary>The state machine of one session: a pure function of the events it is given. Not safe for concurrent use.</summary>
/// <param name="server">Pid of the process that was started: it leads until the shim says otherwise.</param>
internal sealed class SessionState(int server)
{
    private readonly HashSet<int> _members = [server]; /* whoever led, followed or kept: never an orphan */
    private readonly Dictionary<int, ulong> _ended = []; /* pid → generation at its end: pids are given out again */
    private readonly HashSet<int> _formerLeaders = []; /* not yet waited for */
    private ControlView _view;
    private WaitStatus? _leaderStatus;
    private (int Pid, ulong Generation) _follower, _last, _reported, _mourned;

    /// <summary>Where the session stands.</summary>
    internal Phase Phase { get; private set; }

    /// <summary>Who leads, or led last.</summary>
    internal int LeaderPid { get; private set; } = server;

    /// <summary>Who follows; 0: nobody.</summary>
    internal int FollowerPid => _follower.Pid;

    /// <summary>Who follows and since which generation.</summary>
    internal (int Pid, ulong Generation) Follower => _follower;

    /// <summary>The living processes of the session, the leader first.</summary>
    internal IEnumerable<int> Members =>
        new[] { LeaderPid, _follower.Pid, _view.FollowerPid, _view.KeeperPid }.Where(p => p != 0 && !_ended.ContainsKey(p)).Distinct();

    /// <summary>The shim has changed the control block.</summary>
    internal IReadOnlyList<SessionAction> Observe(in ControlView view)
    {
        var actions = new List<SessionAction>();
        if (Phase == Phase.Ended) return actions;
        ControlView before = _view;
        _view = view;
        Remember(view);
        if (view.LeaderPid != 0 && view.LeaderPid != LeaderPid)
        {
            /* Promoted: it isn't a follower that ended. */
            if (_follower.Pid == view.LeaderPid) _follower = default;
            if (!_ended.ContainsKey(LeaderPid)) _formerLeaders.Add(LeaderPid);
            ForgetNamesake(view.LeaderPid, view.Generation);
            actions.Add(new SessionAction.LeaderChanged(LeaderPid, view.LeaderPid, _ended.ContainsKey(LeaderPid) ? _leaderStatus : null));
            LeaderPid = view.LeaderPid;
        }
        ObserveFollower(view, actions);
        MoveTo(Current(), actions);
        if ((before.LeaderPid, before.FollowerPid, before.KeeperPid, before.SessionFd)
            != (view.LeaderPid, view.FollowerPid, view.KeeperPid, view.SessionFd))
            actions.Add(new SessionAction.ProcessesChanged());
        return actions;
    }

    /// <summary>A process ended. <paramref name="view"/> is the control block as read after its end.</summary>
    internal IReadOnlyList<SessionAction> ProcessEnded(int pid, WaitStatus? status, byte[]? usage, in ControlView view)
    {
        var actions = new List<SessionAction>(Observe(view));
        if (Phase == Phase.Ended) return actions;
        if (!_members.Contains(pid))
        {
            actions.Add(new SessionAction.StrangerEnded(pid, status, usage));
            return actions;
        }
        _ended[pid] = view.Generation;
        TellOfDeadCopy(pid, status, view, actions);
        if (pid == LeaderPid) ObserveFollower(view, actions); /* one that was just being made may lead now */
        if (pid == LeaderPid) LeaderEnds(pid, status, view, actions);
        else if (pid == _follower.Pid) FollowerEnds(pid, status, view, actions);
        else if (_formerLeaders.Remove(pid)) actions.Add(new SessionAction.FormerLeaderEnded(pid, status));
        /* A leader that died in the middle of an attachment leaves nobody. */
        if (_ended.ContainsKey(LeaderPid) && !FollowerLives) End(actions);
        else MoveTo(Current(), actions);
        return actions;
    }

    /// <summary>The kernel says that no child is left: whatever the control block holds, nothing runs any more.</summary>
    internal IReadOnlyList<SessionAction> NoChildLeft()
    {
        var actions = new List<SessionAction>();
        if (Phase != Phase.Ended) End(actions);
        return actions;
    }

    private bool FollowerLives => _follower.Pid != 0 && !HasEnded(_follower.Pid, _follower.Generation);

    /// <summary>Has that process, as it was in that generation, been waited for?</summary>
    internal bool HasEnded(int pid, ulong generation) => _ended.TryGetValue(pid, out ulong at) && at >= generation;

    /// <summary>A process of an earlier generation had this pid; who has it now lives.</summary>
    private void ForgetNamesake(int pid, ulong generation)
    {
        if (!HasEnded(pid, generation)) _ended.Remove(pid);
    }

    private void Remember(in ControlView view)
    {
        foreach (int pid in (ReadOnlySpan<int>)[view.LeaderPid, view.FollowerPid, view.KeeperPid])
        {
            if (pid != 0) _members.Add(pid);
        }
    }

    private void ObserveFollower(in ControlView view, List<SessionAction> actions)
    {
        bool lives = view.FollowerPid != 0 && view.FollowerPid != LeaderPid && !HasEnded(view.FollowerPid, view.Generation)
            && IsFollowing(view, _ended.ContainsKey(LeaderPid));
        (int Pid, ulong Generation) now = lives ? (view.FollowerPid, view.Generation) : default;
        if (now != _follower)
        {
            if (_follower.Pid != 0) actions.Add(new SessionAction.FollowerEnded(_follower.Pid));
            _follower = now;
            if (lives) actions.Add(new SessionAction.FollowerAttached(now.Pid, view.AttachPause));
        }
        if (lives)
        {
            ForgetNamesake(now.Pid, now.Generation);
            _last = now;
        }
        if (view is { Generation: 1, Follower: FollowerState.Ended, Reason: not MvReason.None } && _last.Pid == 0)
        {
            _last = (-1, view.Generation);
            actions.Add(new SessionAction.FollowerEnded(0));
        }
        /* The leader may have noticed first, and taken the follower's pid out of the control block. */
        if (view.Follower == FollowerState.Parked && _last.Pid > 0 && _last.Generation == view.Generation && _reported != _last)
        {
            _reported = _last;
            actions.Add(new SessionAction.TakeReport(_last.Pid));
        }
    }

    /// <summary>A new follower that has not come to its first call yet still shows its predecessor's state. One that a dead
    /// leader was just attaching is on its way.</summary>
    private static bool IsFollowing(in ControlView view, bool leaderHasEnded) => view.Follower switch
    {
        FollowerState.Replaying or FollowerState.Parked => true,
        _ => view.Publishing && (view.Stage == MvStage.Followed || (view.Stage == MvStage.Attaching && leaderHasEnded)),
    };

    private void LeaderEnds(int pid, WaitStatus? status, in ControlView view, List<SessionAction> actions)
    {
        _leaderStatus = status;
        actions.Add(new SessionAction.LeaderEnded(pid, status));
        if (FollowerLives && view.Stage == MvStage.Ended) actions.Add(new SessionAction.LetFollowerEnd(_follower.Pid));
    }

    private void FollowerEnds(int pid, WaitStatus? status, in ControlView view, List<SessionAction> actions)
    {
        _follower = default;
        /* With the leader it ends too; nobody is left to be told. */
        if (_ended.ContainsKey(LeaderPid) || view.Stage == MvStage.Ended) return;
        actions.Add(new SessionAction.FollowerDied(pid, status));
        actions.Add(new SessionAction.FollowerEnded(pid));
    }

    /// <summary>A copy that dies while it is being made never said that it follows: its leader would publish for ever, and no
    /// other could be made.</summary>
    private void TellOfDeadCopy(int pid, WaitStatus? status, in ControlView view, List<SessionAction> actions)
    {
        if (pid == _follower.Pid || pid != view.FollowerPid || !view.Publishing || _ended.ContainsKey(LeaderPid)) return;
        if (_mourned == (pid, view.Generation)) return;
        _mourned = (pid, view.Generation);
        actions.Add(new SessionAction.FollowerDied(pid, status));
    }

    private Phase Current()
    {
        if (_ended.ContainsKey(LeaderPid) && !FollowerLives) return Phase.Ended;
        /* After an exit of its own accord the follower only has to exit, too. */
        if (_ended.ContainsKey(LeaderPid)) return _view.Stage is MvStage.Followed or MvStage.Failover ? Phase.Failover : Phase;
        return _view.Stage switch
        {
            MvStage.Starting => Phase.Starting,
            MvStage.Attaching => Phase.Attaching,
            /* A leader that sleeps in a call learns only behind it that its follower is gone. */
            MvStage.Followed => FollowerLives ? Phase.Followed : Phase.SingleLeader,
            MvStage.Failover => Phase.Failover,
            _ => Phase.SingleLeader,
        };
    }

    private void MoveTo(Phase next, List<SessionAction> actions)
    {
        if (next == Phase) return;
        actions.Add(new SessionAction.PhaseChanged(Phase, next));
        Phase = next;
    }

    private void End(List<SessionAction> actions)
    {
        MoveTo(Phase.Ended, actions);
        actions.Add(new SessionAction.SessionEnded(_leaderStatus));
    }
}
