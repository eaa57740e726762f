namespace Mvedsua.Rules.Evaluation;

/// <summary>What becomes of a follower's call.</summary>
public enum DecisionKind
{
    /// <summary>It is the leader's next event: it gets what the leader got.</summary>
    Equal,

    /// <summary>A rule answers it.</summary>
    Reconciled,

    /// <summary>Events of the leader are dropped; the call is still to be decided.</summary>
    Dropped,

    /// <summary>It can't be decided before the leader's next event has come.</summary>
    NeedsMore,

    /// <summary>Leader and follower differ, and no rule reconciles them.</summary>
    Diverged,
}

/// <summary>A decision, and what the thread's state is afterwards.</summary>
/// <param name="Kind">What becomes of the call.</param>
/// <param name="State">The state for the thread's next call, or for the same one after more events.</param>
/// <param name="Consumed">Events of the leader that are done with.</param>
/// <param name="Rule">The rule that decided; null: none.</param>
/// <param name="Answer">What a reconciled call is told.</param>
/// <param name="Reason">Of a divergence, or what is waited for: one sentence.</param>
public sealed record Decision(
    DecisionKind Kind, RuleState State, int Consumed = 0, string? Rule = null, Answer? Answer = null, string? Reason = null);
