using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Evaluation;

/// <summary>What one thread keeps between calls: stored values, the rule it is in the middle of. Immutable.</summary>
public sealed class RuleState
{
    private RuleState(int thread, bool hasBegun, IReadOnlyList<Bound?> stores, Progress? progress) =>
        (Thread, HasBegun, Stores, Progress) = (thread, hasBegun, stores, progress);

    /// <summary>The thread's number: 1 for the main thread, then in the order of their creation.</summary>
    public int Thread { get; }

    /// <summary>The rule that has begun and expects more calls of the follower; else null.</summary>
    public string? InRule => Progress?.Rule.Name;

    internal bool HasBegun { get; }

    internal IReadOnlyList<Bound?> Stores { get; }

    internal Progress? Progress { get; }

    /// <summary>A thread that has made no call yet.</summary>
    public static RuleState Start(RuleSet rules, int thread)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var waits = rules.Begins.Any(begin => begin.Scope.Includes(thread));
        return new(thread, !waits, new Bound?[rules.Stores.Count], null);
    }

    internal RuleState Begun() => new(Thread, true, Stores, Progress);

    internal RuleState With(Progress? progress) => new(Thread, HasBegun, Stores, progress);

    internal RuleState With(IReadOnlyList<Bound?> stores) => new(Thread, HasBegun, stores, Progress);
}

/// <summary>A rule of which some of the follower's calls have come.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Bindings">Its captures.</param>
/// <param name="Events">The leader's events by step; null for repetitions.</param>
/// <param name="Step">The follower's step that is expected.</param>
/// <param name="Call">Index of the call within the step.</param>
/// <param name="Round">Rounds of the step that are complete.</param>
internal sealed record Progress(CheckedRule Rule, Bindings Bindings, IReadOnlyList<CallRecord?> Events, int Step, int Call, int Round)
{
    internal bool IsComplete => Step == Rule.Follower.Count;

    /// <summary>The place behind the call that is expected.</summary>
    internal Progress Advance(Bindings bindings)
    {
        var step = Rule.Follower[Step];
        if (Call + 1 < step.Calls.Count) return this with { Bindings = bindings, Call = Call + 1 };
        return Round + 1 < step.Most
            ? this with { Bindings = bindings, Call = 0, Round = Round + 1 }
            : this with { Bindings = bindings, Call = 0, Round = 0, Step = Step + 1 };
    }

    /// <summary>The step may end here.</summary>
    internal bool CanLeave => Call == 0 && Round >= Rule.Follower[Step].Least;

    internal Progress Leave() => this with { Call = 0, Round = 0, Step = Step + 1 };
}
