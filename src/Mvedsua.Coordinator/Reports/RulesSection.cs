using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;

namespace Mvedsua.Coordinator.Reports;

/// <summary>Why no rule reconciled a follower's call with the leader's events: the reference evaluator tries the same rules anew. It doesn't
/// know what earlier rules had stored or begun.</summary>
internal static class RulesSection
{
    /// <summary>Events of the leader that are looked at: more than most rules take.</summary>
    internal const int Ahead = 64;

    /// <param name="file">The rules as they were compiled.</param>
    /// <param name="thread">The thread's number, from 1.</param>
    /// <param name="pending">The leader's events from the point on.</param>
    /// <param name="call">The follower's call; null: it can't be read.</param>
    internal static RulesInForce Build(RulesFile file, int thread, IReadOnlyList<CallRecord> pending, CallRecord? call)
    {
        if (call is null || RuleChecker.Check(file.Text).Rules is not { } rules) return new RulesInForce(file.Path, []);
        var explanation = new Explanation();
        Decision decision = new Evaluator(rules).Decide(RuleState.Start(rules, thread), pending, call, isEnd: true, explanation);
        return new RulesInForce(file.Path, decision.Kind == DecisionKind.Diverged ? explanation.Lines
            : [.. explanation.Lines, "Tried anew they agree: the follower was within another rule, or one used what had been stored."]);
    }
}
