using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Where a session stands between two versions of its server.</summary>
/// <remarks><code>
///                    copied            resumed              caught up
///  SingleLeader ─────────▶ Updating ─────────▶ CatchingUp ─────────▶ Monitoring
///    ▲  ▲  ▲                  │                    │                   │    ▲
///    │  │  └── the new version ended, or the old one died and it leads ┘    │ promoted
///    │  │                                                                   ▼ (and back)
///    │  └──── the old version ended (commit), or the new one died ──── UpdatedLeader
/// </code></remarks>
internal enum VersionStage
{
    /// <summary>One version only; followers of the same one may be in step.</summary>
    SingleLeader,

    /// <summary>The old version leads; its copy is becoming the new one.</summary>
    Updating,

    /// <summary>The old version leads; the new one replays what came about while it was being made.</summary>
    CatchingUp,

    /// <summary>The old version leads; the new one is compared with what it does now.</summary>
    Monitoring,

    /// <summary>The new version leads; the old one is compared with it.</summary>
    UpdatedLeader,
}

/// <summary>Which of two versions leads and which follows: a pure function of what happens to their processes. What does not fit the stage
/// comes late, from a process that plays no part any more, and changes nothing. Not safe for concurrent use.</summary>
internal sealed class StageMachine
{
    /// <summary>Where it stands.</summary>
    internal VersionStage Now { get; private set; }

    /// <summary>Pid of the process that runs the old version, if there are two; else 0.</summary>
    internal int Old { get; private set; }

    /// <summary>Pid of the process that runs the new version, or is to; 0 if there is one version only.</summary>
    internal int New { get; private set; }

    /// <summary>The stage by the name that operators know.</summary>
    internal Stage Stage => Now switch
    {
        VersionStage.SingleLeader => Stage.SingleLeader,
        VersionStage.UpdatedLeader => Stage.UpdatedLeader,
        _ => Stage.OutdatedLeader,
    };

    /// <summary>Which of the two leads; 0 if there is one version only.</summary>
    internal int Leader => Now == VersionStage.UpdatedLeader ? New : Old;

    /// <summary>Which of the two follows; 0 if there is one version only.</summary>
    internal int Follower => Now == VersionStage.UpdatedLeader ? Old : New;

    /// <summary>The leader was copied, and the copy is to become the new version.</summary>
    internal void Copied(int leader, int copy)
    {
        if (Now == VersionStage.SingleLeader) (Now, Old, New) = (VersionStage.Updating, leader, copy);
    }

    /// <summary>The copy is the new version, and replays.</summary>
    internal void Resumed(int copy)
    {
        if (Now == VersionStage.Updating && copy == New) Now = VersionStage.CatchingUp;
    }

    /// <summary>The new version has replayed what came about while it was being made.</summary>
    internal void CaughtUp(int follower)
    {
        if (Now == VersionStage.CatchingUp && follower == New) Now = VersionStage.Monitoring;
    }

    /// <summary>A new coordinator has found two versions.</summary>
    internal void Found(int leader, int follower, bool leaderIsNew)
    {
        if (Now != VersionStage.SingleLeader) return;
        if (leaderIsNew) (Now, Old, New) = (VersionStage.UpdatedLeader, follower, leader);
        else (Now, Old, New) = (VersionStage.CatchingUp, leader, follower);
    }

    /// <summary>A leader and its follower have changed places.</summary>
    internal void PlacesChanged(int from, int to)
    {
        if (Now is VersionStage.SingleLeader) return;
        if (to == Follower && Now != VersionStage.Updating) Now = Now == VersionStage.UpdatedLeader ? VersionStage.Monitoring : VersionStage.UpdatedLeader;
        else if (from == Leader) Succeeded(to);
    }

    /// <summary>A leader is dead, and that process leads.</summary>
    internal void LeaderDied(int from, int to)
    {
        if (Now == VersionStage.SingleLeader) return;
        if (to == Follower) Alone();
        else if (from == Leader) Succeeded(to);
    }

    /// <summary>A follower has ended.</summary>
    internal void FollowerEnded(int pid)
    {
        if (Now != VersionStage.SingleLeader && pid == Follower) Alone();
    }

    /* By a follower of its own version. The other version's is replaced then, which its end tells. */
    private void Succeeded(int to)
    {
        if (Now == VersionStage.UpdatedLeader) New = to;
        else Old = to;
    }

    private void Alone() => (Now, Old, New) = (VersionStage.SingleLeader, 0, 0);
}
