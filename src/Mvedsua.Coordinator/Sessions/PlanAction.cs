using Mvedsua.Coordinator.Control;
using Mvedsua.Update.Descriptions;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>What a plan wants done. What comes back of it names the number that it was given: what comes of an earlier action is late.</summary>
internal abstract record PlanAction
{
    /// <summary>Make a copy, and make it the new version; then <see cref="UpdatePlan.AttemptEnded"/>.</summary>
    internal sealed record Attempt : PlanAction;

    /// <summary>A time; then <see cref="UpdatePlan.TimeOver"/>.</summary>
    internal sealed record Wait(TimeSpan Time, int Number) : PlanAction;

    /// <summary>That follower is ended from now on if it hangs.</summary>
    internal sealed record Watch(int Pid) : PlanAction;

    /// <summary>Until that follower has replayed what is published now; then <see cref="UpdatePlan.Replayed"/>.</summary>
    internal sealed record Replay(int Pid, int Number) : PlanAction;

    /// <summary>That follower is to lead; then <see cref="UpdatePlan.Answered"/>.</summary>
    internal sealed record Promote(int Pid, int Number) : PlanAction;

    /// <summary>That follower, the old version, is to end; then <see cref="UpdatePlan.Answered"/>.</summary>
    internal sealed record Commit(int Pid, int Number) : PlanAction;

    /// <summary>A line for the operator.</summary>
    /// <param name="What">The line.</param>
    /// <param name="IsNews">It belongs into the session's history, which does not know it yet.</param>
    internal sealed record Tell(string What, bool IsNews = true) : PlanAction;

    /// <summary>The outcome.</summary>
    internal sealed record Finish(ExitStatus Status, string What) : PlanAction;
}

/// <summary>What came of one attempt.</summary>
/// <param name="Copy">Pid of the process that runs the new version, or was to; 0: none was made.</param>
/// <param name="Reply">What the operator is told of it.</param>
/// <param name="OnFailure">What the description says of failures; the default, too, when it could not be read.</param>
internal sealed record AttemptResult(int Copy, ControlReply Reply, FailurePolicy OnFailure);

/// <summary>How far a plan is.</summary>
internal enum PlanStep
{
    /// <summary>The new version is being made.</summary>
    Attempting,

    /// <summary>An attempt has failed; its copy has not ended yet.</summary>
    Clearing,

    /// <summary>The next attempt follows in a while.</summary>
    Pausing,

    /// <summary>The new version replays what came about while it was being made.</summary>
    CatchingUp,

    /// <summary>The warm-up: the new version is compared.</summary>
    WarmingUp,

    /// <summary>The warm-up's time is over; the new version replays what came about in it.</summary>
    Finishing,

    /// <summary>The new version is to lead.</summary>
    Promoting,

    /// <summary>The new version leads, and the old one checks it for as long as the warm-up.</summary>
    Checking,

    /// <summary>That time is over; the old version replays what came about in it.</summary>
    FinishingCheck,

    /// <summary>The old version is to end.</summary>
    Committing,

    /// <summary>The outcome is told.</summary>
    Over,
}
