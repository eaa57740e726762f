using CsCheck;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>What holds for all rules and all events.</summary>
public sealed class PropertyTests
{
    [Fact]
    public void How_far_the_leader_is_ahead_changes_no_decision()
    {
        var (applied, waited) = (0, 0);
        RandomRules.Cases.SampleUntil(c =>
        {
            var (ahead, _) = Run(c, c.Leader.Count);
            var (behind, needed) = Run(c, 0);
            Assert.Equal(ahead, behind);
            applied += ahead.Count(line => line.StartsWith("Reconciled", StringComparison.Ordinal) || line.StartsWith("Dropped", StringComparison.Ordinal));
            waited += needed;
        }, () => applied > 0 && waited > 0, Fuzzing.Seconds);
        Assert.True(applied > 0 && waited > 0, $"{applied} rules applied, {waited} times waited: is anything tried?");
    }

    [Fact]
    public void A_decision_consumes_no_more_than_there_is_and_each_call_is_settled_in_bounded_steps() => RandomRules.Cases.Sample(c =>
    {
        var (lines, _) = Run(c, c.Leader.Count);
        Assert.True(lines.Count <= c.Follower.Count + c.Leader.Count, "more decisions than events and calls");
    }, time: Fuzzing.Seconds, threads: 1);

    /// <summary>The decisions, with as many of the leader's events known at first; one more each time that one is needed.</summary>
    private static (List<string> Decisions, int Waited) Run(RandomCase c, int known)
    {
        var evaluator = new Evaluator(c.Rules);
        var state = RuleState.Start(c.Rules, 1);
        var lines = new List<string>();
        var (done, waited) = (0, 0);
        foreach (var call in c.Follower)
        {
            while (true)
            {
                known = Math.Max(known, done);
                var pending = c.Leader.Skip(done).Take(known - done).ToList();
                var decision = evaluator.Decide(state, pending, call, isEnd: known == c.Leader.Count);
                if (decision.Kind == DecisionKind.NeedsMore)
                {
                    Assert.True(known < c.Leader.Count, "nothing more comes");
                    (known, waited) = (known + 1, waited + 1);
                    continue;
                }
                Assert.InRange(decision.Consumed, 0, pending.Count);
                Assert.True(decision.Kind != DecisionKind.Dropped || decision.Consumed > 0, "nothing was dropped");
                done += decision.Consumed;
                state = decision.State;
                lines.Add(Describe(decision));
                if (decision.Kind == DecisionKind.Diverged) return (lines, waited);
                if (decision.Kind != DecisionKind.Dropped) break;
            }
        }
        return (lines, waited);
    }

    internal static string Describe(Decision decision) =>
        $"{decision.Kind} {decision.Rule} {decision.Consumed} {decision.Answer?.IsExecuted} {decision.Answer?.Result} "
        + string.Join('|', decision.Answer?.Received.Select(bytes => bytes is null ? "-" : Convert.ToHexString(bytes)) ?? []);
}
