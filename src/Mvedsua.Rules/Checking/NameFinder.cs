using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>Finds the names that a rule mentions.</summary>
internal static class NameFinder
{
    /// <summary>What is said by label and field: those fields must be captured where the label stands.</summary>
    internal static IEnumerable<(string Label, string Field)> Fields(RuleSyntax rule) =>
        All(rule).OfType<FieldExpression>().Select(field => (field.Label, field.Field.Text));

    /// <summary>Captures of the follower's side that stand nowhere else: they match anything, which is hardly meant.</summary>
    internal static IEnumerable<CaptureExpression> Lonely(RuleSyntax rule)
    {
        var mentions = All(rule).OfType<CaptureExpression>().CountBy(capture => capture.Name).ToDictionary();
        return OfSide(rule.Follower).SelectMany(Within).OfType<CaptureExpression>().Where(capture => mentions[capture.Name] == 1);
    }

    private static IEnumerable<Expression> All(RuleSyntax rule) =>
        OfSide(rule.Leader).Concat(OfSide(rule.Follower)).Concat(rule.Conditions).Concat(rule.Stores.Select(store => store.Value)).SelectMany(Within);

    private static IEnumerable<Expression> OfSide(SideSyntax side)
    {
        foreach (var step in side.Steps)
        {
            foreach (var call in step is RepetitionSyntax repetition ? repetition.Calls : [(CallSyntax)step])
            {
                foreach (var part in call.Arguments.SelectMany(argument => argument.Pattern.Parts)) yield return part;
                foreach (var part in call.Result?.Parts ?? []) yield return part;
            }
        }
    }

    private static IEnumerable<Expression> Within(Expression expression) => expression switch
    {
        FunctionExpression function => Within(function.Operand),
        NegativeExpression negative => Within(negative.Operand),
        NotExpression not => Within(not.Operand),
        BinaryExpression binary => Within(binary.Left).Concat(Within(binary.Right)),
        MatchesExpression matches => Within(matches.Value).Concat(matches.Parts.SelectMany(Within)),
        _ => [expression],
    };
}
