using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>What the state machine looks at in the control block, read once.</summary>
/// <param name="Members">By version index.</param>
internal readonly record struct ControlView(
    MvStage Stage,
    int LeaderPid,
    int LeaderVersion,
    int LogicalPid,
    int KeeperPid,
    MvReason Reason,
    int ReasonCode,
    string ReasonText,
    ulong Generation,
    ulong Failovers,
    TimeSpan AttachPause,
    TimeSpan FailoverTime,
    int SessionFd,
    IReadOnlyList<Member> Members)
{
    /// <summary>The members that don't lead.</summary>
    internal IEnumerable<Member> Followers
    {
        get
        {
            int leader = LeaderVersion;
            return Members.Where(m => m.Version != leader);
        }
    }

    /// <summary>The follower that was made last.</summary>
    internal Member? Newest
    {
        get
        {
            ulong generation = Generation;
            return generation == 0 ? null : Members.Cast<Member?>().FirstOrDefault(m => m!.Value.Generation == generation);
        }
    }
}
