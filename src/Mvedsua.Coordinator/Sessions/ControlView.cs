using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>mv_control.follower_state.</summary>
internal enum FollowerState : uint
{
    None,
    Replaying,
    Parked,
    Ended,
    Promoted,
}

/// <summary>What the state machine looks at in the control block, read once.</summary>
internal readonly record struct ControlView(
    MvStage Stage,
    int LeaderPid,
    int LeaderVersion,
    int LogicalPid,
    int FollowerPid,
    int KeeperPid,
    FollowerState Follower,
    MvReason Reason,
    int ReasonCode,
    string ReasonText,
    ulong Generation,
    ulong Failovers,
    TimeSpan AttachPause,
    TimeSpan FailoverTime,
    int SessionFd,
    bool Publishing);
