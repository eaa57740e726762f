namespace Mvedsua.Coordinator.Control;

/// <summary>
/// Exit statuses of the <c>mvedsua</c> command, the same for every verb. <c>mvedsua run</c> otherwise exits with
/// the server's own status, or 128 + signal when a signal ended it. Documented in docs/exit-statuses.md, which a
/// test compares with this enum.
/// </summary>
public enum ExitStatus
{
    /// <summary>Done as asked.</summary>
    Ok = 0,

    /// <summary><c>doctor</c>, <c>inspect</c> or <c>update --dry-run</c> found something that stands in the way; <c>rules</c>: a file is refused, or a case does not hold.</summary>
    CheckFailed = 1,

    /// <summary>The command line can't be understood.</summary>
    Usage = 2,

    /// <summary><c>run</c>: refused before the server was started; the message names the reason.</summary>
    LaunchRefused = 64,

    /// <summary>No session of that name, or none at all.</summary>
    UnknownSession = 65,

    /// <summary>The session's stage doesn't allow it: a second follower, nothing to unfollow.</summary>
    RefusedByStage = 66,

    /// <summary>The session's coordinator is gone and no new one could attach.</summary>
    CoordinatorGone = 67,

    /// <summary><c>report</c>: no follower of the session has diverged or died, and no leader has.</summary>
    NoReport = 68,

    /// <summary>The server or the session can't do it, by name: an unsupported server for a follower.</summary>
    Unsupported = 69,

    /// <summary>A fault in Mvedsua itself.</summary>
    Internal = 70,

    /// <summary>The leader doesn't answer, not all of its threads could be stopped in time, or its main thread did not come to its update point; it goes on unchanged.</summary>
    ServerUnresponsive = 71,

    /// <summary>What a follower needs is not to be had: memory, processes, or room in the log.</summary>
    NoResources = 72,

    /// <summary>Standard output can't be written (a full disk); not when its reader has just had enough.</summary>
    OutputFailed = 73,

    /// <summary><c>run</c>: leader and follower were killed at once, so that nobody is left.</summary>
    NobodyLeft = 74,

    /// <summary><c>update</c>: refused before the server was touched; the message names the reason.</summary>
    UpdateRefused = 75,

    /// <summary><c>update</c>: the copy that was to become the new version ended on the way; the server goes on unchanged.</summary>
    UpdateFailed = 76,

    /// <summary><c>update --warm-up</c>: the new version was ended before its time was over; the old one serves.</summary>
    NewVersionEnded = 77,

    /// <summary><c>update</c>: it was decided by others before it was done as asked: by the operator, or by the death of the leader. The message says who leads.</summary>
    Overtaken = 78,

    /// <summary><c>update --auto-promote</c>: the new version leads, and the old one, which checked it, has ended.</summary>
    NoWayBack = 79,

    /// <summary>The session is run by another release of Mvedsua, whose messages differ.</summary>
    OtherRelease = 80,

    /// <summary><c>promote</c>, <c>rollback</c>, <c>update --auto-promote</c>: the follower is too far behind to lead, and does not catch up; both go on unchanged.</summary>
    FollowerBehind = 81,
}
