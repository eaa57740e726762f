using Mvedsua.Rules.Cases;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Tests;

/// <summary>What the tests share: rules, cases and events from text.</summary>
internal static class Texts
{
    /// <summary>Rules that must have no problem, not even a warning.</summary>
    internal static RuleSet Rules(string text)
    {
        var result = RuleChecker.Check(text);
        Assert.True(result.Problems.Count == 0, string.Join('\n', result.Problems));
        return result.Rules!;
    }

    internal static CallRecord Event(string text)
    {
        var record = EventParser.Parse(text, 1, 0, 1, out var rest);
        Assert.Equal("", rest);
        return record;
    }

    internal static RuleCase Case(string leader, string follower, int thread = 1)
    {
        var file = CaseParser.Parse($"test \"case\"\nthread {thread}\nleader\n{leader}\nfollower\n{follower}\n");
        Assert.True(file.Problems.Count == 0, string.Join('\n', file.Problems));
        return Assert.Single(file.Cases);
    }

    /// <summary>The case holds under these rules.</summary>
    internal static void Holds(string rules, string leader, string follower, int thread = 1)
    {
        var result = new CaseRunner(Rules(rules)).Run(Case(leader, follower, thread));
        Assert.True(result.Failures.Count == 0, string.Join('\n', result.Failures) + "\n" + Explained(result));
    }

    /// <summary>The follower diverges at its last call; the reason contains these words.</summary>
    internal static void Diverges(string rules, string leader, string follower, string reason, int thread = 1)
    {
        var result = new CaseRunner(Rules(rules)).Run(Case(leader, follower + " diverges", thread));
        Assert.True(result.Failures.Count == 0, string.Join('\n', result.Failures) + "\n" + Explained(result));
        Assert.Contains(reason, result.Steps[^1].Outcome, StringComparison.Ordinal);
    }

    internal static string Explained(CaseResult result) =>
        string.Join('\n', result.Steps.SelectMany(step => step.Explanation.Prepend($"{step.Call}: {step.Outcome}")));
}
