using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Evaluation;

/// <summary>
/// The reference evaluator: decides what becomes of a follower's call, given the leader's events that are not replayed yet.
/// Pure: the same arguments give the same decision, and how far the leader is ahead never changes one (that is what
/// <see cref="DecisionKind.NeedsMore"/> is for). Safe from any thread.
/// </summary>
/// <param name="rules">The rules.</param>
public sealed class Evaluator(RuleSet rules)
{
    /// <summary>Decides about one call.</summary>
    /// <param name="state">The thread's state, from its last decision.</param>
    /// <param name="pending">The leader's events of this thread, oldest first.</param>
    /// <param name="call">What the follower is about to do; its result and received memory are not looked at.</param>
    /// <param name="isEnd">The leader makes no more events: there is nothing to wait for.</param>
    /// <param name="explanation">Gets a sentence for each rule that was tried.</param>
    public Decision Decide(RuleState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd = false, Explanation? explanation = null)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(pending);
        ArgumentNullException.ThrowIfNull(call);
        if (!state.HasBegun)
        {
            var begin = new BeginSearch(rules).Decide(state, pending, call, isEnd, explanation);
            if (begin.Decision is { } decision) return decision;
            state = begin.State;
        }
        if (state.Progress is { } progress)
        {
            if (Continue(state, progress, call, explanation) is { } decision) return decision;
            state = state.With((Progress?)null);
        }
        return Fresh(state, pending, call, isEnd, explanation);
    }

    /// <summary>Drops, at the end of the follower's calls, the leader's events that rules drop.</summary>
    /// <returns>How many of the pending events, from the first on, are done with.</returns>
    public int Drain(RuleState state, IReadOnlyList<CallRecord> pending)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(pending);
        var done = 0;
        while (done < pending.Count)
        {
            var rest = pending.Skip(done).ToList();
            var consumed = 0;
            foreach (var rule in rules.Rules)
            {
                if (rule.Kind != RuleKind.Dropping || !rule.Scope.Includes(state.Thread)) continue;
                var attempt = Attempt.Run(rule, state, rest, null, isEnd: true, null);
                if (attempt.Outcome != AttemptOutcome.Applies) continue;
                (consumed, state) = (attempt.Consumed, attempt.State!);
                break;
            }
            if (consumed == 0) break;
            done += consumed;
        }
        return done;
    }

    /// <summary>Whether a rule that has begun must get more calls of the follower.</summary>
    internal static bool Expects(RuleState state)
    {
        for (var progress = state.Progress; progress is { IsComplete: false }; progress = progress.Leave())
            if (!progress.CanLeave) return true;
        return state.Progress is { } last && Attempt.LeftOver(last) is not null;
    }

    private Decision Fresh(RuleState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd, Explanation? explanation)
    {
        if (explanation is not null) Others(call, explanation);
        foreach (var rule in rules.Rules)
            if (rule.Kind == RuleKind.Pairing && Try(rule, state, pending, call, isEnd, explanation) is { } decision) return decision;
        if (pending.Count == 0 && !isEnd) return new(DecisionKind.NeedsMore, state, Reason: "the leader has no event yet to compare it with");
        var difference = pending.Count == 0 ? "the leader has no event left" : Equality.Difference(pending[0], call);
        if (difference is null)
        {
            explanation?.Say("leader and follower are equal");
            return new(DecisionKind.Equal, state, 1);
        }
        explanation?.Say($"not equal: {difference}");
        foreach (var rule in rules.Rules)
            if (rule.Kind != RuleKind.Pairing && Try(rule, state, pending, call, isEnd, explanation) is { } decision) return decision;
        return new(DecisionKind.Diverged, state, Reason: difference);
    }

    private void Others(CallRecord call, Explanation explanation)
    {
        var others = rules.Rules.Count(rule => rule.Follower.Count > 0 && rule.Follower[0].Calls[0].Row != call.Row);
        if (others > 0) explanation.Say(others == 1 ? "1 rule is for another call" : $"{others} rules are for other calls");
    }

    private static Decision? Try(CheckedRule rule, RuleState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd, Explanation? explanation)
    {
        if (!rule.Scope.Includes(state.Thread) || (rule.Follower.Count > 0 && rule.Follower[0].Calls[0].Row != call.Row)) return null;
        var why = explanation is null ? null : new Reason();
        var attempt = Attempt.Run(rule, state, pending, call, isEnd, why);
        switch (attempt.Outcome)
        {
            case AttemptOutcome.Applies when rule.Kind == RuleKind.Dropping:
                explanation?.Say($"\"{rule.Name}\" ({rule.At}) applies");
                return new(DecisionKind.Dropped, attempt.State!, attempt.Consumed, rule.Name);
            case AttemptOutcome.Applies:
                explanation?.Say($"\"{rule.Name}\" ({rule.At}) applies");
                return Settled(rule, attempt.State!, attempt.Consumed, attempt.Answer!);
            case AttemptOutcome.NeedsMore:
                explanation?.Say($"\"{rule.Name}\" ({rule.At}) may apply when the leader goes on");
                return new(DecisionKind.NeedsMore, state, 0, rule.Name, null, "the rule's next event has not come yet");
            default:
                explanation?.Say($"\"{rule.Name}\" ({rule.At}) does not apply: {why!.Text}");
                return null;
        }
    }

    /// <summary>The next call of a rule in progress; null: the rule is complete, and this call is none of its.</summary>
    private static Decision? Continue(RuleState state, Progress progress, CallRecord call, Explanation? explanation)
    {
        var rule = progress.Rule;
        var why = new Reason();
        while (!progress.IsComplete)
        {
            var expected = rule.Follower[progress.Step].Calls[progress.Call];
            var bindings = progress.Bindings.Copy(state.Stores);
            var source = expected.Source >= 0 ? progress.Events[expected.Source] : null;
            if (CallMatcher.Matches(expected, call, bindings, source, why))
            {
                if (AnswerBuilder.Make(expected, call, source, bindings, why) is { } answer)
                {
                    explanation?.Say($"\"{rule.Name}\" ({rule.At}) goes on");
                    return Settled(rule, state.With(progress.Advance(bindings)), 0, answer);
                }
            }
            if (!progress.CanLeave)
            {
                explanation?.Say($"\"{rule.Name}\" ({rule.At}) expects {expected.Row.Name} at {expected.At}: {why.Text}");
                return new(DecisionKind.Diverged, state, 0, rule.Name, null, $"the rule expects {expected.Row.Name} at {expected.At}: {why.Text}");
            }
            progress = progress.Leave();
        }
        if (Attempt.LeftOver(progress) is { } left) return new(DecisionKind.Diverged, state, 0, rule.Name, null, left);
        explanation?.Say($"\"{rule.Name}\" ({rule.At}) is complete");
        return null;
    }

    private static Decision Settled(CheckedRule rule, RuleState state, int consumed, Answer answer)
    {
        if (state.Progress is { IsComplete: true } complete)
        {
            if (Attempt.LeftOver(complete) is { } left) return new(DecisionKind.Diverged, state, consumed, rule.Name, null, left);
            state = state.With((Progress?)null);
        }
        return new(DecisionKind.Reconciled, state, consumed, rule.Name, answer);
    }
}
