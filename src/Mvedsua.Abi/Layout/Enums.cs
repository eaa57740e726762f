namespace Mvedsua.Abi;

/// <summary>What a record's <c>call</c> is when it is no system call.</summary>
public enum MvPseudoCall : ushort
{
    Jump = 0x8000,
    Signal = 0x8001,
    Order = 0x8002,
    Death = 0x8004,
    Role = 0x8005,
}

/// <summary>What an interposed pthread call did to its object.</summary>
public enum MvOrderKind : uint
{
    Lock = 1,
    Trylock = 2,
    Wait = 3,
    Read = 4,
    Write = 5,
    Semaphore = 6,
    Barrier = 7,
    Once = 8,
    Figure = 9,
}

[Flags]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1711", Justification = "the name in shared.h")]
public enum MvEventFlags : ushort
{
    None = 0,
    SignalFollows = 1,
    Restart = 2,
    Allocator = 4,
    Lent = 8,
    RestWritten = 16,
    RestSent = 32,
}

public enum MvCursorState : uint
{
    Unused = 0,
    Active = 1,
    Joining = 2,
}

/// <summary>In how many ways a log can be found damaged, or not the one that was asked for.</summary>
public enum MvLogFault
{
    None = 0,
    BadMagic = 1,
    BadAbi = 2,
    BadRecordSize = 3,
    BadHeader = 4,
    BadVersion = 5,
    BadSlot = 6,
    BadGeneration = 7,
    BadLimit = 8,
    BadStart = 9,
    Truncated = 10,
    BadCursor = 11,
    BadReader = 12,
    BadPublished = 13,
    BadHigh = 14,
    Backwards = 15,
    BadOffset = 16,
    BadCheck = 17,
    BadSize = 18,
    BadPayload = 19,
    BadSequence = 20,
    BadJump = 21,
}

public enum MvStage : uint
{
    Starting = 0,
    SingleLeader = 1,
    Attaching = 2,
    Followed = 3,
    Failover = 4,
    Ended = 5,
    Promoting = 6,
}

/// <summary>Why a follower ended, a request was refused, or a role changed.</summary>
public enum MvReason : uint
{
    None = 0,
    Requested = 1,
    Diverged = 2,
    LogLimit = 3,
    LagLimit = 4,
    Unsupported = 5,
    FollowerDied = 6,
    LeaderDied = 7,
    LeaderExited = 8,
    Corrupt = 9,
    ParkTimeout = 10,
    NoResources = 11,
    AsyncSignal = 12,
    Busy = 13,
    Escape = 14,
    Threads = 15,
    Replaced = 16,
    UpdateFailed = 17,
    Stalled = 18,
    Behind = 19,
}

/// <summary>What a process of the session is: enum mv_member_state.</summary>
public enum MvMemberState : uint
{
    None = 0,
    Replaying = 1,
    Parked = 2,
    Ended = 3,
    Leads = 4,
    Updating = 5,
}

public enum MvRequest : uint
{
    None = 0,
    Follow = 1,
    Unfollow = 2,
    Trace = 3,
    Untrace = 4,
    Update = 5,
    Cancel = 6,
    Promote = 7,
}

/// <summary>What a copy does on the way to another version: enum mv_task_kind.</summary>
public enum MvTaskKind : uint
{
    None = 0,
    Map = 1,
    Protect = 2,
    Call = 3,
    Each = 4,
    Resume = 5,
    Restart = 6,
}

/// <summary>A dead leader's child: enum mv_orphan_state.</summary>
public enum MvOrphanState : uint
{
    Free = 0,
    Lives = 1,
    Ended = 2,
    Told = 3,
    Claimed = 4,
}

public enum MvThreadState : uint
{
    Free = 0,
    Running = 1,
    InCall = 2,
    Parked = 3,
    Diverged = 4,
    Exited = 5,
}

/// <summary>Where the kernel leaves the outcome of a call that is being made.</summary>
public enum MvWitnessKind : uint
{
    Records = 0,
    Message = 1,
    Ring = 2,
    Batch = 3,
    Child = 4,
    Shared = 5,
}

/// <summary>In what the follower's call differs from the leader's record.</summary>
public enum MvDifference : uint
{
    Not = 0,
    Call = 1,
    Argument = 2,
    Bytes = 3,
    Length = 4,
    End = 5,
    Order = 6,
}
