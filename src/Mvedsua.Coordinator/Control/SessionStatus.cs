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

/// <summary>How far an update is.</summary>
[JsonConverter(typeof(UpdateStepConverter))]
public enum UpdateStep
{
    /// <summary>Its files are read, or the server has not come to its update point.</summary>
    Preparing,

    /// <summary>A copy of the leader becomes the new version.</summary>
    Updating,

    /// <summary>The new version replays what came about while it was being made.</summary>
    CatchingUp,

    /// <summary>The new version is compared with what the leader does now.</summary>
    Monitoring,

    /// <summary>The new version leads, and the old one is compared with it.</summary>
    Promoted,

    /// <summary>It has failed, and is tried again in a while.</summary>
    Waiting,
}

/// <summary>Writes a step as "catching-up".</summary>
public sealed class UpdateStepConverter() : JsonStringEnumConverter<UpdateStep>(System.Text.Json.JsonNamingPolicy.KebabCaseLower);

/// <summary>An update that is not committed, rolled back or given up.</summary>
/// <param name="To">The new version's file; null: not known to this coordinator.</param>
/// <param name="Step">How far it is.</param>
/// <param name="Attempt">Which attempt this is; null: nothing more is done by itself.</param>
/// <param name="Attempts">How many attempts there may be.</param>
/// <param name="Until">When the warm-up, or the pause before the next attempt, is over.</param>
public sealed record UpdateStatus(string? To, UpdateStep Step, int? Attempt, int? Attempts, DateTimeOffset? Until);

/// <summary>State of a session, as <c>status NAME --json</c> prints it.</summary>
/// <param name="Name">The session's name.</param>
/// <param name="Stage">Where the session stands.</param>
/// <param name="Command">The server's command line.</param>
/// <param name="Started">When the server was started.</param>
/// <param name="Leader">The process that serves.</param>
/// <param name="Followers">All followers, the eldest first.</param>
/// <param name="Sites">The leader's system-call sites.</param>
/// <param name="Log">Event-log memory.</param>
/// <param name="History">Role switches, ended followers and the course of updates, oldest first; the last few dozen.</param>
/// <param name="Update">An update that is under way; null: none.</param>
public sealed record SessionStatus(
    string Name,
    Stage Stage,
    IReadOnlyList<string> Command,
    DateTimeOffset Started,
    ProcessStatus Leader,
    IReadOnlyList<FollowerStatus> Followers,
    SiteStatus Sites,
    LogStatus Log,
    IReadOnlyList<PastEvent> History,
    UpdateStatus? Update = null)
{
    /// <summary>The eldest follower; null without one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ProcessStatus? Follower => Followers.Count == 0 ? null : new(Followers[0].Pid, Followers[0].LogicalPid, Followers[0].Threads);

    /// <summary>Published and not yet replayed, by the follower that is furthest behind; zero without one.</summary>
    public LagStatus Lag => Followers.Select(f => f.Lag).MaxBy(lag => lag.Bytes) ?? new(0, 0);
}
