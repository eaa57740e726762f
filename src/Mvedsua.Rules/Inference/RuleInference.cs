using System.Globalization;
using System.Text;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Inference;

/// <summary>Traces of both versions for the same input.</summary>
/// <param name="Old">The leader's version.</param>
/// <param name="New">The follower's.</param>
public sealed record TracePair(Trace Old, Trace New);

/// <summary>A rule that was found.</summary>
/// <param name="Text">The rule.</param>
/// <param name="Places">Differences of its shape.</param>
/// <param name="Explained">Those that it reconciles, as the reference evaluator says.</param>
/// <param name="Others">Events of its first name where the traces are equal.</param>
/// <param name="ToldApart">The rule has a predicate that holds for none of those.</param>
/// <param name="First">Where the first difference is.</param>
public sealed record InferredRule(string Text, int Places, int Explained, int Others, bool ToldApart, string First);

/// <summary>What was found.</summary>
/// <param name="Rules">Rules by how many differences they explain.</param>
/// <param name="Unexplained">Differences that no rule explains: where, and what they are.</param>
/// <param name="Differences">All of them.</param>
public sealed record InferredRules(IReadOnlyList<InferredRule> Rules, IReadOnlyList<string> Unexplained, int Differences)
{
    /// <summary>A file of rules, with what is known of each in comments.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var rule in Rules)
        {
            text.Append(CultureInfo.InvariantCulture, $"# Reconciles {rule.Explained} of {rule.Places} such differences; the first: {rule.First}.\n");
            if (rule.ToldApart) text.Append(CultureInfo.InvariantCulture, $"# Told apart from events of the same name that do not differ: {rule.Others}.\n");
            text.Append(rule.Text).Append("\n\n");
        }
        foreach (var left in Unexplained) text.Append("# Not explained: ").Append(left.ReplaceLineEndings(" ")).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"# {Differences - Unexplained.Count} of {Differences} differences explained.\n");
        return text.ToString();
    }
}

/// <summary>
/// Finds candidates for rules in traces of two versions that got the same input. What it writes is a beginning: whether two versions may
/// differ in this way, only their author knows. No state, safe from any thread.
/// </summary>
public static class RuleInference
{
    /// <summary>Finds rules in any number of pairs of traces. Threads are paired in the order of their first events.</summary>
    /// <exception cref="InvalidOperationException">Two traces have too little in common.</exception>
    public static InferredRules Infer(IReadOnlyList<TracePair> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        var differences = new List<(Difference Difference, string Place)>();
        var equal = new List<CallRecord>();
        foreach (var pair in pairs)
        {
            for (var i = 0; i < Math.Min(pair.Old.Threads.Count, pair.New.Threads.Count); i++)
            {
                var aligned = Alignment.Align(pair.Old.Threads[i].Calls, pair.New.Threads[i].Calls);
                equal.AddRange(aligned.Equal.Select(call => call.Record));
                differences.AddRange(aligned.Differences.SelectMany(Decomposition.Of).Select(d => (d, Place(pair, d))));
            }
        }
        var rules = new List<InferredRule>();
        var unexplained = new List<string>();
        foreach (var group in differences.GroupBy(d => Shape.Of(d.Difference)))
        {
            if (group.Key is not { } shape)
            {
                unexplained.AddRange(group.Select(d => $"{d.Place}: {d.Difference.Old.Count} events for {d.Difference.New.Count} calls"));
                continue;
            }
            var (rule, left) = Rule(shape, [.. group], equal);
            if (rule is not null) rules.Add(rule);
            unexplained.AddRange(left);
        }
        return new([.. rules.OrderByDescending(rule => rule.Explained)], unexplained, differences.Count);
    }

    private static string Place(TracePair pair, Difference difference)
    {
        var places = new List<string>();
        if (difference.Old.Count > 0) places.Add(string.Create(CultureInfo.InvariantCulture, $"{pair.Old.Name}:{difference.Old[0].Line}"));
        if (difference.New.Count > 0) places.Add(string.Create(CultureInfo.InvariantCulture, $"{pair.New.Name}:{difference.New[0].Line}"));
        return string.Join(", ", places);
    }

    private static (InferredRule? Rule, List<string> Left) Rule(Shape shape, List<(Difference Difference, string Place)> group, List<CallRecord> equal)
    {
        var all = group.Select(d => d.Difference).ToList();
        var these = all.Select(d => d.Old.Count > 0 ? d.Old[0].Record : d.New[0].Record).ToList();
        var those = equal.Where(record => record.Row == these[0].Row).ToList();
        var predicate = shape.Kind == ShapeKind.Plain ? Predicate.Find(these, those) : null;
        var text = Generalizer.Rule(shape, all, predicate);
        var rules = RuleChecker.Check(text).Rules;
        var left = new List<string>();
        foreach (var (difference, place) in group)
            if (rules is null || !Reconciles(rules, difference)) left.Add($"{place}: {Show(difference.Old)} => {Show(difference.New)}");
        if (left.Count == group.Count) return (null, left);
        return (new(text, group.Count, group.Count - left.Count, those.Count, predicate is not null, group[0].Place), left);
    }

    private static string Show(IReadOnlyList<TracedCall> calls) =>
        calls.Count == 0 ? "nothing" : string.Join("; ", calls.Select(call => EventFormatter.Format(call.Record, 32)));

    /// <summary>With this rule alone, the follower goes through the difference, and is told what it was told in its own run where rules say that.</summary>
    private static bool Reconciles(RuleSet rules, Difference difference)
    {
        var evaluator = new Evaluator(rules);
        var state = RuleState.Start(rules, 1);
        var pending = difference.Old.Select(call => call.Record).ToList();
        foreach (var call in difference.New)
        {
            Decision decision;
            do
            {
                decision = evaluator.Decide(state, pending, call.Record.AsCall(), isEnd: true);
                (state, pending) = (decision.State, pending[decision.Consumed..]);
            }
            while (decision.Kind == DecisionKind.Dropped);
            if (decision.Kind == DecisionKind.Diverged) return false;
            if (decision.Answer is { IsExecuted: false } answer && answer.Result != call.Record.Result) return false;
        }
        return evaluator.Drain(state, pending) == pending.Count && !Evaluator.Expects(state);
    }
}
