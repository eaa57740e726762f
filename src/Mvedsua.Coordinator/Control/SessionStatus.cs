using System.Text.Json.Serialization;

namespace Mvedsua.Coordinator.Control;

/// <summary>Where a session stands in an update (see docs/architecture.md).</summary>
[JsonConverter(typeof(StageConverter))]
public enum Stage
{
    /// <summary>One version serves; a follower of the same version may be in step.</summary>
    SingleLeader,

    /// <summary>The old version leads, a new one follows.</summary>
    OutdatedLeader,

    /// <summary>The new version leads, the old one follows.</summary>
    UpdatedLeader,
}

/// <summary>Writes a stage as "single-leader", "outdated-leader" or "updated-leader".</summary>
public sealed class StageConverter() : JsonStringEnumConverter<Stage>(System.Text.Json.JsonNamingPolicy.KebabCaseLower);

/// <summary>One running process of a session.</summary>
/// <param name="Pid">The kernel's process id.</param>
/// <param name="LogicalPid">What the program sees; it never changes across a role switch.</param>
/// <param name="Threads">Number of threads.</param>
public sealed record ProcessStatus(int Pid, int LogicalPid, int Threads);

/// <summary>What is published and not yet replayed.</summary>
public sealed record LagStatus(long Events, long Bytes);

/// <summary>A process that follows.</summary>
/// <param name="Pid">The kernel's process id.</param>
/// <param name="LogicalPid">What the program sees.</param>
/// <param name="Threads">Number of threads.</param>
/// <param name="State">"starting", "replaying", "diverged" (it waits until its report is taken) or "ended".</param>
/// <param name="Lag">How far it is behind.</param>
public sealed record FollowerStatus(int Pid, int LogicalPid, int Threads, string State, LagStatus Lag);

/// <summary>What became of the program's <c>syscall</c> instructions.</summary>
public sealed record SiteStatus(long Rewritten, long Trapped, long Refused);

/// <summary>Memory of the event logs, in bytes: in use now, and the most that may be used.</summary>
public sealed record LogStatus(long Bytes, long Limit);

/// <summary>A follower or leader that ended, and why.</summary>
public sealed record PastEvent(DateTimeOffset When, string What);

/// <summary>State of a session, as <c>status NAME --json</c> prints it.</summary>
/// <param name="Name">The session's name.</param>
/// <param name="Stage">Where the session stands.</param>
/// <param name="Command">The server's command line.</param>
/// <param name="Started">When the server was started.</param>
/// <param name="Leader">The process that serves.</param>
/// <param name="Followers">All followers, the eldest first.</param>
/// <param name="Sites">The leader's system-call sites.</param>
/// <param name="Log">Event-log memory.</param>
/// <param name="History">Role switches and ended followers, oldest first; the last few dozen.</param>
public sealed record SessionStatus(
    string Name,
    Stage Stage,
    IReadOnlyList<string> Command,
    DateTimeOffset Started,
    ProcessStatus Leader,
    IReadOnlyList<FollowerStatus> Followers,
    SiteStatus Sites,
    LogStatus Log,
    IReadOnlyList<PastEvent> History)
{
    /// <summary>The eldest follower; null without one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ProcessStatus? Follower => Followers.Count == 0 ? null : new(Followers[0].Pid, Followers[0].LogicalPid, Followers[0].Threads);

    /// <summary>Published and not yet replayed, by the follower that is furthest behind; zero without one.</summary>
    public LagStatus Lag => Followers.Select(f => f.Lag).MaxBy(lag => lag.Bytes) ?? new(0, 0);
}
