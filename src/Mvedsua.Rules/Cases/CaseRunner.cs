using System.Globalization;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Cases;

/// <summary>What became of one call of the follower.</summary>
/// <param name="Call">The call, with what it was told.</param>
/// <param name="Outcome">One line: equal, by which rule, or why not.</param>
/// <param name="Dropped">Events that were dropped before it, each with its rule.</param>
/// <param name="Explanation">Why each rule did or did not apply.</param>
public sealed record CaseStep(CallRecord Call, string Outcome, IReadOnlyList<string> Dropped, IReadOnlyList<string> Explanation);

/// <summary>What became of a case.</summary>
/// <param name="Case">The case.</param>
/// <param name="Steps">The follower's calls; after a divergence none.</param>
/// <param name="Failures">What is not as expected; none: the case holds.</param>
public sealed record CaseResult(RuleCase Case, IReadOnlyList<CaseStep> Steps, IReadOnlyList<Problem> Failures);

/// <summary>Runs cases with the reference evaluator. Safe from any thread.</summary>
/// <param name="rules">The rules.</param>
public sealed class CaseRunner(RuleSet rules)
{
    private readonly Evaluator _evaluator = new(rules);

    /// <summary>Runs one case.</summary>
    public CaseResult Run(RuleCase @case)
    {
        ArgumentNullException.ThrowIfNull(@case);
        var steps = new List<CaseStep>();
        var failures = new List<Problem>();
        var state = RuleState.Start(rules, @case.Thread);
        var done = 0;
        foreach (var expected in @case.Follower)
        {
            var explanation = new Explanation();
            var dropped = new List<string>();
            var call = expected.Call.AsCall();
            var decision = Decide(@case, ref state, ref done, call, explanation, dropped);
            var told = Told(call, decision, @case.Leader, done);
            steps.Add(new(told, Outcome(decision), dropped, explanation.Lines));
            if (Mismatch(expected, decision, told) is { } mismatch) failures.Add(new(expected.At, ProblemKind.Error, mismatch));
            if (decision.Kind == DecisionKind.Diverged) return new(@case, steps, failures);
        }
        var rest = @case.Leader.Skip(done).ToList();
        var drained = _evaluator.Drain(state, rest);
        if (drained < rest.Count)
            failures.Add(new(@case.At, ProblemKind.Error, $"the leader's {rest[drained]} is left over"));
        if (state.InRule is { } unfinished && Evaluator.Expects(state))
            failures.Add(new(@case.At, ProblemKind.Error, $"\"{unfinished}\" expects more calls of the follower"));
        return new(@case, steps, failures);
    }

    private Decision Decide(RuleCase @case, ref RuleState state, ref int done, CallRecord call, Explanation explanation, List<string> dropped)
    {
        while (true)
        {
            var decision = _evaluator.Decide(state, [.. @case.Leader.Skip(done)], call, isEnd: true, explanation);
            state = decision.State;
            if (decision.Kind == DecisionKind.Dropped)
                dropped.AddRange(@case.Leader.Skip(done).Take(decision.Consumed).Select(e => $"{e} dropped by \"{decision.Rule}\""));
            done += decision.Consumed;
            if (decision.Kind != DecisionKind.Dropped) return decision;
        }
    }

    private static CallRecord Told(CallRecord call, Decision decision, IReadOnlyList<CallRecord> leader, int done)
    {
        switch (decision.Kind)
        {
            case DecisionKind.Equal:
                call.Result = leader[done - 1].Result;
                leader[done - 1].Received.CopyTo(call.Received, 0);
                for (var i = 0; i < call.Texts.Length; i++) call.Texts[i] ??= leader[done - 1].Texts[i];
                break;
            case DecisionKind.Reconciled when !decision.Answer!.IsExecuted:
                call.Result = decision.Answer.Result;
                for (var i = 0; i < call.Received.Length; i++)
                {
                    call.Received[i] = decision.Answer.Received[i];
                    // Its memory may be the text of a structure.
                    if (call.Received[i] is { } bytes && leader.Any(e => e.Texts.Contains(System.Text.Encoding.UTF8.GetString(bytes)))) call.Texts[i] ??= System.Text.Encoding.UTF8.GetString(bytes);
                }
                break;
        }
        return call;
    }

    private static string Outcome(Decision decision) => decision.Kind switch
    {
        DecisionKind.Equal => "equal",
        DecisionKind.Reconciled when decision.Answer!.IsExecuted => $"made by the follower, by \"{decision.Rule}\"",
        DecisionKind.Reconciled => $"reconciled by \"{decision.Rule}\"{Events(decision.Consumed)}",
        _ => $"diverges: {decision.Reason}",
    };

    private static string Events(int consumed) => consumed switch
    {
        0 => "",
        1 => ", for 1 event",
        _ => string.Create(CultureInfo.InvariantCulture, $", for {consumed} events"),
    };

    private static string? Mismatch(ExpectedCall expected, Decision decision, CallRecord told)
    {
        var end = decision.Kind == DecisionKind.Diverged ? ExpectedEnd.Diverges
            : decision.Answer is { IsExecuted: true } ? ExpectedEnd.Executed : ExpectedEnd.Answered;
        if (end != expected.End)
        {
            return end switch
            {
                ExpectedEnd.Diverges => $"{told.Row.Name} diverges: {decision.Reason}",
                ExpectedEnd.Executed => $"{told.Row.Name} is made by the follower, by \"{decision.Rule}\"",
                _ => $"{told} does not {(expected.End == ExpectedEnd.Diverges ? "diverge" : "reach the kernel")}: {Outcome(decision)}",
            };
        }
        if (expected.Rule is { } rule && rule != decision.Rule) return $"{told.Row.Name} is {Outcome(decision)}, not by \"{rule}\"";
        if (end != ExpectedEnd.Answered || expected.Call.Result is null) return null;
        if (expected.Call.Result != told.Result) return $"{told.Row.Name} is told {told}, not {expected.Call}";
        for (var i = 0; i < told.Row.Arguments.Count; i++)
        {
            if (!ArgumentFacts.IsReceived(told.Row.Arguments[i]) || expected.Call.Received[i] is not { } bytes) continue;
            if (!bytes.AsSpan().SequenceEqual(told.Received[i])) return $"{told.Row.Name} is told {told}, not {expected.Call}";
        }
        return null;
    }
}
