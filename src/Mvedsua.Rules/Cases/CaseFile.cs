using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Cases;

/// <summary>A file of cases: events of the leader in, calls of the follower and what they are told out.</summary>
/// <param name="RulesPath">The file of rules that it names, relative to it; null: none.</param>
/// <param name="Cases">The cases.</param>
/// <param name="Problems">What could not be read.</param>
public sealed record CaseFile(string? RulesPath, IReadOnlyList<RuleCase> Cases, IReadOnlyList<Problem> Problems);

/// <summary>One case.</summary>
/// <param name="Name">Its name.</param>
/// <param name="At">Where it begins.</param>
/// <param name="Thread">The thread's number.</param>
/// <param name="Leader">The leader's events.</param>
/// <param name="Follower">The follower's calls, each with what it is expected to be told.</param>
public sealed record RuleCase(string Name, SourcePosition At, int Thread, IReadOnlyList<CallRecord> Leader, IReadOnlyList<ExpectedCall> Follower);

/// <summary>How a follower's call is expected to end.</summary>
public enum ExpectedEnd
{
    /// <summary>It is told the line's result and memory.</summary>
    Answered,

    /// <summary>The follower makes it.</summary>
    Executed,

    /// <summary>The follower diverges.</summary>
    Diverges,
}

/// <summary>A call of the follower in a case.</summary>
/// <param name="At">Its line.</param>
/// <param name="Call">The call with what it is expected to be told; without a result, that is not looked at.</param>
/// <param name="End">How it is expected to end.</param>
/// <param name="Rule">The rule expected to decide; null: any or none.</param>
public sealed record ExpectedCall(SourcePosition At, CallRecord Call, ExpectedEnd End, string? Rule);
