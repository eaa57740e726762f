using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Where a session stands. Every change is caused by an event: the shim's, or the end of a process.</summary>
/// <remarks><code>
///  Starting ──▶ SingleLeader ◀──▶ Attaching ──▶ Followed
///                    ▲  ▲                        │   │
///                    │  └──── follower ended ────┘   │ leader died
///                    └──────── promoted ── Failover ◀┘
///  Followed ◀──▶ Promoting (leader and follower change places)
///  any ── last process ended ──▶ Ended
/// </code></remarks>
internal enum Phase
{
    Starting,
    SingleLeader,
    Attaching,
    Followed,
    Failover,
    Promoting,
    Ended,
}

/// <summary>What the session has to do or tell because of an event.</summary>
internal abstract record SessionAction
{
    internal sealed record PhaseChanged(Phase From, Phase To) : SessionAction;

    /// <summary>A follower replays.</summary>
    internal sealed record FollowerAttached(Follower Who, TimeSpan Pause) : SessionAction;

    /// <summary>A follower is gone, for the reason that the control block holds. Pid 0: it had ended before anybody looked.</summary>
    internal sealed record FollowerEnded(Follower Who) : SessionAction;

    /// <summary>The follower ended without the shim's doing: the leader must be told.</summary>
    internal sealed record FollowerDied(Follower Who, WaitStatus? Status) : SessionAction;

    /// <summary>A follower is parked at a divergence and waits until its report is taken.</summary>
    internal sealed record TakeReport(Follower Who) : SessionAction;

    /// <summary>A follower has become the leader.</summary>
    internal sealed record LeaderChanged(FormerLeader From, int To, WaitStatus? Status) : SessionAction;

    /// <summary>A follower leads, and the former leader follows it.</summary>
    internal sealed record PlacesChanged(int From, int To, TimeSpan Pause) : SessionAction;

    /// <summary>A leader ended; who takes over is not yet known.</summary>
    internal sealed record LeaderEnded(int Pid, WaitStatus? Status) : SessionAction;

    /// <summary>A former leader has been waited for, after the promotion of its follower.</summary>
    internal sealed record FormerLeaderEnded(FormerLeader Who, WaitStatus? Status) : SessionAction;

    /// <summary>A leader or follower was killed or crashed.</summary>
    internal sealed record FailureNoted(int Pid, WaitStatus Status) : SessionAction;

    /// <summary>The leader has exited of its own accord: a follower has no more to do.</summary>
    internal sealed record LetFollowerEnd(Follower Who) : SessionAction;

    /// <summary>A process that is none of the session's own ended: a child of the server, or of a child.</summary>
    internal sealed record StrangerEnded(int Pid, WaitStatus? Status, byte[]? Usage) : SessionAction;

    /// <summary>Other processes hold the session memory than before.</summary>
    internal sealed record ProcessesChanged : SessionAction;

    /// <summary>The last process of the session has ended; the server's exit status is that of its last leader.</summary>
    internal sealed record SessionEnded(WaitStatus? Status) : SessionAction;
}

/// <summary>Who led, under which version index.</summary>
internal readonly record struct FormerLeader(int Pid, int Version);

/// <summary>The state machine of one session: a pure function of the events it is given. Not safe for concurrent use.</summary>
/// <param name="server">Pid of the process that was started: it leads until the shim says otherwise.</param>
internal sealed class SessionState(int server)
{
    private readonly HashSet<int> _members = [server]; /* who leads, follows or keeps, or did and was not waited for yet: no orphan */
    private readonly Dictionary<int, ulong> _ended = []; /* pid → generation at its end: pids are given out again */
    private const uint Deadly = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 11; /* SIGKILL and crashes */
    private readonly List<FormerLeader> _formerLeaders = []; /* not yet waited for */
    private readonly FollowerTrack[] _tracks = [.. Enumerable.Range(0, (int)MvAbi.Versions).Select(_ => new FollowerTrack())];
    private ControlView _view;
    private WaitStatus? _leaderStatus;
    private int _leaderVersion;

    /// <summary>Where the session stands.</summary>
    internal Phase Phase { get; private set; }

    /// <summary>Who leads, or led last.</summary>
    internal int LeaderPid { get; private set; } = server;

    /// <summary>Who follows, the eldest first.</summary>
    internal IReadOnlyList<Follower> Followers => [.. _tracks.Select(t => t.Now).Where(f => f.Pid != 0).OrderBy(f => f.Generation)];

    /// <summary>The living processes of the session, the leader first.</summary>
    internal IEnumerable<int> Members =>
        new[] { LeaderPid }.Concat(Followers.Select(f => f.Pid)).Concat(MembersOf(_view)).Where(p => p != 0 && !_ended.ContainsKey(p)).Distinct();

    private static IEnumerable<int> MembersOf(ControlView view) => (view.Members ?? []).Select(m => m.Pid).Append(view.KeeperPid);

    /// <summary>The shim has changed the control block.</summary>
    internal IReadOnlyList<SessionAction> Observe(in ControlView view)
    {
        var actions = new List<SessionAction>();
        if (Phase == Phase.Ended) return actions;
        ControlView before = _view;
        _view = view;
        Remember(view);
        /* (While they change places the view is neither the old one nor the new.) */
        if (view.LeaderPid != 0 && view.LeaderPid != LeaderPid && view.Stage != MvStage.Promoting) ObserveLeader(view, actions);
        /* Pid and index are two stores. */
        if (view.Members[view.LeaderVersion].Pid == LeaderPid) _leaderVersion = view.LeaderVersion;
        ObserveFollowers(view, actions);
        MoveTo(Current(), actions);
        if ((before.LeaderPid, before.SessionFd) != (view.LeaderPid, view.SessionFd) || !MembersOf(before).SequenceEqual(MembersOf(view)))
            actions.Add(new SessionAction.ProcessesChanged());
        return actions;
    }

    private void ObserveLeader(in ControlView view, List<SessionAction> actions)
    {
        /* Promoted: it isn't a follower that ended. */
        foreach (FollowerTrack track in _tracks)
            if (track.Now.Pid == view.LeaderPid) track.Forget();
        var former = new FormerLeader(LeaderPid, _leaderVersion);
        bool ended = _ended.ContainsKey(LeaderPid), follows = view.Followers.Any(m => m.Pid == former.Pid && m.State == MvMemberState.Replaying);
        ForgetNamesake(view.LeaderPid, view.Generation);
        if (follows && !ended)
        {
            actions.Add(new SessionAction.PlacesChanged(former.Pid, view.LeaderPid, view.AttachPause));
        }
        else
        {
            if (!ended) _formerLeaders.Add(former);
            actions.Add(new SessionAction.LeaderChanged(former, view.LeaderPid, ended ? _leaderStatus : null));
        }
        LeaderPid = view.LeaderPid;
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
        if (IsFailure(pid, status, view)) actions.Add(new SessionAction.FailureNoted(pid, status!.Value));
        if (!LeaderHasEnded)
            foreach (Member member in view.Followers) _tracks[member.Version].TellOfDeadCopy(member, pid, status, actions);
        if (pid == LeaderPid) ObserveFollowers(view, actions); /* one that was just being made may lead now */
        if (pid == LeaderPid) LeaderEnds(pid, status, view, actions);
        else if (_tracks.FirstOrDefault(t => t.Now.Pid == pid) is { } track) FollowerEnds(track, status, view, actions);
        else if (_formerLeaders.FindIndex(f => f.Pid == pid) is >= 0 and var former)
        {
            actions.Add(new SessionAction.FormerLeaderEnded(_formerLeaders[former], status));
            _formerLeaders.RemoveAt(former);
        }
        /* A leader that died in the middle of an attachment leaves nobody. */
        if (Current() == Phase.Ended) End(actions);
        else MoveTo(Current(), actions);
        _members.Remove(pid); /* which may be given to a child of the server's */
        return actions;
    }

    /// <summary>The kernel says that no child is left: whatever the control block holds, nothing runs any more.</summary>
    internal IReadOnlyList<SessionAction> NoChildLeft()
    {
        var actions = new List<SessionAction>();
        if (Phase != Phase.Ended) End(actions);
        return actions;
    }

    /// <summary>A leader or follower was killed, or crashed, though neither its operator nor its shim had ended it.</summary>
    private bool IsFailure(int pid, WaitStatus? status, in ControlView view)
    {
        if (status is not { Signal: > 0 and < 32 and var signal } || (Deadly >> signal & 1) == 0) return false;
        if (pid == LeaderPid || _formerLeaders.Any(f => f.Pid == pid)) return true;
        MvStage stage = view.Stage;
        return view.Followers.Any(m => m.Pid == pid
            && (m.Publishing || m.Reason == MvReason.FollowerDied || (stage == MvStage.Failover && m.Reason == MvReason.None)));
    }

    /// <summary>The leader is dead, and nobody has taken over yet.</summary>
    internal bool LeaderHasEnded => _ended.ContainsKey(LeaderPid);

    private bool FollowerLives => _tracks.Any(t => t.Now.Pid != 0 && !HasEnded(t.Now.Pid, t.Now.Generation));

    /// <summary>Every leader that was succeeded has been waited for.</summary>
    internal bool FormerLeadersGone => _formerLeaders.Count == 0;

    /// <summary>A leader that was succeeded, or a follower that is known to be dead, is yet to be waited for: how it ended tells how the
    /// session did.</summary>
    private bool SomebodyIsDying => _formerLeaders.Count > 0 || _tracks.Any(t => t.Last.Pid > 0 && t.Last.Pid != LeaderPid
        && !HasEnded(t.Last.Pid, t.Last.Generation) && (_view.Stage == MvStage.Failover || IsKnownToBeDead(t.Last)));

    private bool IsKnownToBeDead(Follower follower) =>
        _view.Members[follower.Version] is { Reason: MvReason.FollowerDied } member && member.Generation == follower.Generation;

    /// <summary>Has that process, as it was in that generation, been waited for?</summary>
    internal bool HasEnded(int pid, ulong generation) => _ended.TryGetValue(pid, out ulong at) && at >= generation;

    /// <summary>A process of an earlier generation had this pid; who has it now lives.</summary>
    private void ForgetNamesake(int pid, ulong generation)
    {
        if (!HasEnded(pid, generation)) _ended.Remove(pid);
    }

    private void Remember(in ControlView view)
    {
        foreach (int pid in MembersOf(view).Append(view.LeaderPid))
        {
            if (pid != 0) _members.Add(pid);
        }
    }

    private void ObserveFollowers(in ControlView view, List<SessionAction> actions)
    {
        bool leaderHasEnded = LeaderHasEnded;
        foreach (Member member in view.Followers)
        {
            bool isThere = member.Pid != 0 && member.Pid != LeaderPid && !HasEnded(member.Pid, member.Generation);
            bool lives = isThere && IsFollowing(member, view.Stage, leaderHasEnded);
            if (lives) ForgetNamesake(member.Pid, member.Generation);
            /* A leader that died as it gave the lead away never followed. */
            if (!leaderHasEnded && member is { Publishing: true, State: MvMemberState.Replaying } && HasEnded(member.Pid, member.Generation))
                actions.Add(new SessionAction.FollowerDied(new Follower(member.Version, member.Pid, member.Generation), null));
            _tracks[member.Version].Observe(member, isThere, lives, view.AttachPause, actions);
        }
    }

    /// <summary>A new follower that has not come to its first call yet has no state. One that a dead leader was just attaching is
    /// on its way; it may take over before it has come to its first call. One that is parked never leads: it is gone, though its process stays
    /// until it has been looked at. (Once its leader has died, too, the session lasts until then.)</summary>
    private static bool IsFollowing(Member member, MvStage stage, bool leaderHasEnded) => member.State switch
    {
        MvMemberState.Replaying or MvMemberState.Updating => true,
        MvMemberState.Parked => leaderHasEnded,
        MvMemberState.Leads => stage == MvStage.Promoting, /* not yet for everybody */
        MvMemberState.None when stage == MvStage.Failover => true,
        MvMemberState.None => member.Publishing && (stage == MvStage.Followed || (stage == MvStage.Attaching && leaderHasEnded)),
        _ => false,
    };

    private void LeaderEnds(int pid, WaitStatus? status, in ControlView view, List<SessionAction> actions)
    {
        _leaderStatus = status;
        actions.Add(new SessionAction.LeaderEnded(pid, status));
        if (view.Stage != MvStage.Ended) return;
        foreach (Follower follower in Followers)
            if (!HasEnded(follower.Pid, follower.Generation)) actions.Add(new SessionAction.LetFollowerEnd(follower));
    }

    private void FollowerEnds(FollowerTrack track, WaitStatus? status, in ControlView view, List<SessionAction> actions)
    {
        Follower who = track.Now;
        track.Forget();
        /* With the leader it ends too; nobody is left to be told. */
        if (LeaderHasEnded || view.Stage == MvStage.Ended) return;
        actions.Add(new SessionAction.FollowerDied(who, status));
        actions.Add(new SessionAction.FollowerEnded(who));
    }

    private Phase Current()
    {
        if (LeaderHasEnded && !FollowerLives) return SomebodyIsDying ? Phase.Failover : Phase.Ended;
        /* After an exit of its own accord the follower only has to exit, too. */
        if (LeaderHasEnded) return _view.Stage is MvStage.Followed or MvStage.Failover or MvStage.Promoting ? Phase.Failover : Phase;
        return _view.Stage switch
        {
            MvStage.Starting => Phase.Starting,
            MvStage.Attaching => Phase.Attaching,
            /* A leader that sleeps in a call learns only behind it that its follower is gone. */
            MvStage.Followed => FollowerLives ? Phase.Followed : Phase.SingleLeader,
            MvStage.Failover => Phase.Failover,
            MvStage.Promoting => Phase.Promoting,
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
