namespace Mvedsua.Replication.Rows;

/// <summary>A construct of the rule language, for the sample server: both versions make the same calls, so that what a rule costs is all that differs.</summary>
/// <param name="Name">In the table.</param>
/// <param name="Rules">The text of <c>common.rules</c>; null: none.</param>
/// <param name="Decides">The rule decides each request; else none does.</param>
internal sealed record RuleConstruct(string Name, string? Rules, bool Decides)
{
    /// <summary>The name of the rule in each.</summary>
    internal const string Rule = "measured";

    /// <summary>Each of the load's requests is one read of a line as "GET check:5", and one write.</summary>
    internal static IReadOnlyList<RuleConstruct> All { get; } =
    [
        new("no rules", null, false),
        Of("a rule for a call that is never made", "unlink($path) => unlink($path)", decides: false),
        Of("a rule that never applies, by a literal", """read($fd, "NEVER " $rest) => read($fd, "NEVER " $rest)""", decides: false),
        Of("applies by a literal", """read($fd, $verb " check:" $rest) => read($fd, $verb " check:" $rest)"""),
        Of("applies by classes of bytes", """read($fd, $verb:word " check:" $rest:line "\n") => read($fd, $verb " check:" $rest "\n")"""),
        Of("applies by a condition", "read($fd, $request) => read($fd, $request) where length($request) > 3 and $fd >= 0"),
        Of("changes lines", "read($fd, $requests) => read($fd, other($requests))", """lines other { "NEVER " $rest => "OTHER " $rest; "GET check:" $key => "GET check:" $key }"""),
        Of("stores a value", "read($fd, $request) => read($fd, $request) store @last = $request"),
        Of("takes two events together", "read($fd, $request); write($fd, $answer) => read($fd, $request); write($fd, $answer)"),
    ];

    private static RuleConstruct Of(string name, string rule, string before = "", bool decides = true) => new(name, $"{before}\nrule \"{Rule}\"\n  {rule}\n", decides);
}
