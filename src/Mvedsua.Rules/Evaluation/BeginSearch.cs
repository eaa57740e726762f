using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Evaluation;

/// <summary>
/// Before a thread's <c>begin</c>: the leader's events up to the one named are dropped, the follower's calls up to the one named
/// are made by itself where they are harmless, or answered by rules that add calls.
/// </summary>
internal sealed class BeginSearch(RuleSet rules)
{
    /// <summary>A decision, or null and the state of a thread that begins with this call and the first pending event.</summary>
    internal (Decision? Decision, RuleState State) Decide(RuleState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd, Explanation? explanation)
    {
        var begin = rules.Begins.First(mark => mark.Scope.Includes(state.Thread));
        if (!Matches(begin.Follower, call))
        {
            explanation?.Say("the follower is before its beginning");
            return (Before(state, call, explanation), state);
        }
        for (var i = 0; i < pending.Count; i++)
        {
            if (!Matches(begin.Leader, pending[i])) continue;
            explanation?.Say($"both begin here; {i} of the leader's events are before it");
            return i == 0 ? (null, state.Begun()) : (new(DecisionKind.Dropped, state.Begun(), i, "begin"), state);
        }
        return (isEnd
            ? new(DecisionKind.Diverged, state, Reason: $"the leader never made the {begin.Leader.Row.Name} that 'begin' names")
            : new(DecisionKind.NeedsMore, state, Rule: "begin", Reason: $"the leader's beginning, {begin.Leader.Row.Name}, has not come yet"), state);

        bool Matches(CheckedCall expected, CallRecord record) =>
            CallMatcher.Matches(expected, record, new Bindings(Limit(expected), state.Stores), null, null);
    }

    // Captures of a 'begin' say only that two values in one call are equal.
    private static int Limit(CheckedCall call) => call.Tests.Count == 0 ? 0 : Language.Limits.Captures;

    private Decision Before(RuleState state, CallRecord call, Explanation? explanation)
    {
        foreach (var rule in rules.Rules)
        {
            if (rule.Kind != RuleKind.Adding || !rule.Scope.Includes(state.Thread) || rule.Follower.Count != 1 || rule.Follower[0].IsRepetition) continue;
            var attempt = Attempt.Run(rule, state, [], call, isEnd: true, null);
            if (attempt.Outcome != AttemptOutcome.Applies) continue;
            explanation?.Say($"\"{rule.Name}\" ({rule.At}) applies");
            return new(DecisionKind.Reconciled, attempt.State!.With((Progress?)null), 0, rule.Name, attempt.Answer);
        }
        return ArgumentFacts.IsHarmless(call.Row)
            ? new(DecisionKind.Reconciled, state, 0, "begin", Answer.Executed)
            : new(DecisionKind.Diverged, state, Reason: $"{call.Row.Name} before the beginning would be seen outside, and no rule answers it");
    }
}
