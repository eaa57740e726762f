using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>What became of a text of rules.</summary>
/// <param name="Rules">The rules; null when there is an error.</param>
/// <param name="Problems">Errors and warnings, by their place.</param>
public sealed record CheckedText(RuleSet? Rules, IReadOnlyList<Problem> Problems);

/// <summary>Reads and checks rules: the only way to a <see cref="RuleSet"/>. No state, safe from any thread.</summary>
public static class RuleChecker
{
    /// <summary>Reads a text of rules (docs/rule-language.md); never throws, whatever the text.</summary>
    public static CheckedText Check(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var problems = new List<Problem>();
        var file = Parser.Parse(text, problems);
        var rules = new FileChecker(problems).Check(file);
        if (rules is not null) ShadowChecker.Check(rules, problems);
        var sorted = problems.OrderBy(problem => problem.At).ToList();
        return new(sorted.Exists(problem => problem.Kind == ProblemKind.Error) ? null : rules, sorted);
    }
}

/// <summary>Checks the rules of one file.</summary>
internal sealed class FileChecker(List<Problem> problems)
{
    private readonly FileNames _names = new();

    /// <summary>Null when something was refused.</summary>
    internal RuleSet? Check(FileSyntax file)
    {
        var before = problems.Count;
        foreach (var lines in file.Lines) Lines(lines);
        FindStores(file);
        NamesAreUnique(file);
        var rules = new List<CheckedRule>();
        foreach (var rule in file.Rules)
            if (Guarded(() => Rule(rule, rules.Count, problems)) is { } good) rules.Add(good);
        var begins = new List<BeginMark>();
        foreach (var begin in file.Begins)
            if (Guarded(() => Begin(begin, begins)) is { } good) begins.Add(good);
        return problems.Skip(before).Any(problem => problem.Kind == ProblemKind.Error) ? null : new(rules, begins, _names.Stores, _names.Maps);
    }

    private T? Guarded<T>(Func<T?> check) where T : class
    {
        try
        {
            return check();
        }
        catch (RuleTextException e)
        {
            problems.Add(e.Problem);
            return null;
        }
    }

    /// <summary>The type of what is stored is that of its captures, which only checking its rule tells: once, with no complaint heard.</summary>
    private void FindStores(FileSyntax file)
    {
        foreach (var rule in file.Rules)
        {
            foreach (var store in rule.Stores)
            {
                if (_names.StoreIndex.ContainsKey(store.Name)) continue;
                if (_names.Stores.Count == Limits.Stores)
                {
                    problems.Add(new(store.At, ProblemKind.Error, $"more than {Limits.Stores} stored values in one file"));
                    return;
                }
                var type = ValueType.Bytes;
                try
                {
                    var found = Rule(rule with { Stores = [store] }, 0, []);
                    if (found.Stored is [(_, not BytesValue)]) type = ValueType.Number;
                }
                catch (RuleTextException)
                {
                    // Found again, and told, when the rule itself is checked.
                }
                _names.StoreIndex.Add(store.Name, _names.Stores.Count);
                _names.Stores.Add(new(store.Name, type));
            }
        }
    }

    private void Lines(LinesSyntax lines)
    {
        if (lines.Name is "length" or "number" || _names.Maps.Exists(map => map.Name == lines.Name))
            problems.Add(new(lines.At, ProblemKind.Error, $"there is a '{lines.Name}' already", "give the lines another name"));
        var mapped = new List<MappedLine>();
        foreach (var line in lines.Lines)
            if (Guarded(() => Line(line)) is { } good) mapped.Add(good);
        _names.Maps.Add(new(_names.Maps.Count, lines.Name, mapped));
    }

    private MappedLine Line(LineSyntax line)
    {
        var context = new RuleContext(_names, problems);
        var values = new ValueChecker(context);
        var pattern = values.Pattern(line.Pattern);
        var template = values.Template(line.Template);
        if (pattern.Concat(template).Any(part => part is StorePart)) context.Complain(line.At, "stored values can't stand in lines");
        if (pattern.Concat(template).Any(part => part is MappedPart)) context.Complain(line.At, "lines can't be changed within lines");
        if (pattern.OfType<TextPart>().Any(text => text.Bytes.AsSpan().ContainsAny((byte)'\n', (byte)'\r')))
            context.Complain(line.At, "a line's end is no part of it, and stays", "leave \\r and \\n out");
        return new(pattern, template, context.Slots.Count);
    }

    private void NamesAreUnique(FileSyntax file)
    {
        var seen = new Dictionary<string, SourcePosition>(StringComparer.Ordinal);
        foreach (var rule in file.Rules)
            if (rule.Name is { } name && !seen.TryAdd(name, rule.At))
                problems.Add(new(rule.At, ProblemKind.Error, $"the rule at {seen[name]} is named \"{name}\", too"));
    }

    private CheckedRule Rule(RuleSyntax rule, int index, List<Problem> into)
    {
        var context = new RuleContext(_names, into);
        var values = new ValueChecker(context);
        var calls = new CallChecker(context, values);
        context.Fields.UnionWith(NameFinder.Fields(rule));
        if (rule.Leader.Steps.Count == 0 && rule.Follower.Steps.Count == 0)
            context.Complain(rule.At, "nothing on either side: this rule would apply for ever");
        CheckShape(rule.Leader, context);
        CheckShape(rule.Follower, context);

        var leader = new List<CheckedStep>();
        foreach (var step in rule.Leader.Steps)
            if (Step(step, context, calls.Leader) is { } good) leader.Add(good);
        var sources = Sources(rule.Leader, leader);

        // Conditions are looked at as soon as the follower's first call is there: what it captures counts, what later ones capture doesn't.
        List<Condition> conditions = [];
        List<(int, Value)> stored = [];
        var follower = new List<CheckedStep>();
        var isFirst = true;
        foreach (var step in rule.Follower.Steps)
        {
            var good = Step(step, context, call =>
            {
                var checkedCall = calls.Follower(call, step is CallSyntax ? NextSource(sources, call.Name.Text) : null);
                if (isFirst) Clauses();
                isFirst = false;
                return checkedCall;
            });
            if (good is not null) follower.Add(good);
        }
        if (isFirst) Clauses();
        foreach (var lonely in NameFinder.Lonely(rule))
        {
            var others = context.Slots.Where(slot => slot.Name != lonely.Name && !slot.Name.Contains('.', StringComparison.Ordinal)).Select(slot => "$" + slot.Name);
            into.Add(new(lonely.At, ProblemKind.Warning, $"${lonely.Name} stands nowhere else in this rule: it matches anything",
                Suggestion.For("$" + lonely.Name, others) ?? "write '_'"));
        }
        var name = rule.Name ?? $"rule at line {rule.At.Line}";
        return new(index, name, rule.At, rule.Scope, leader, follower, conditions, stored, [.. context.Slots]);

        void Clauses()
        {
            foreach (var condition in rule.Conditions) conditions.Add(values.Condition(condition));
            foreach (var store in rule.Stores) stored.Add(Store(store, context, values));
        }
    }

    private (int, Value) Store(StoreSyntax store, RuleContext context, ValueChecker values)
    {
        var value = values.Any(store.Value);
        var slot = _names.StoreIndex.GetValueOrDefault(store.Name, -1);
        if (slot >= 0 && _names.Stores[slot].Type != (value is BytesValue ? ValueType.Bytes : ValueType.Number))
            context.Complain(store.At, $"@{store.Name} is {RuleContext.Describe(_names.Stores[slot].Type)} in the rule that stores it first");
        return (slot, value);
    }

    private static void CheckShape(SideSyntax side, RuleContext context)
    {
        if (side.Steps.Sum(step => step is RepetitionSyntax repetition ? repetition.Calls.Count : 1) > Limits.Steps)
            context.Complain(side.At, $"more than {Limits.Steps} calls on one side");
        if (side.Steps.Count > 0 && side.Steps[0] is RepetitionSyntax { Least: 0 } optional)
            context.Complain(optional.At, "a side must begin with a call that is made in any case", "a rule that could match nothing would apply for ever; write a second rule without these calls");
        var repetitions = side.Steps.OfType<RepetitionSyntax>().ToList();
        if (repetitions.Count > 1) context.Complain(repetitions[1].At, "one repetition on a side is the most", "write several rules");
        foreach (var call in repetitions.SelectMany(repetition => repetition.Calls))
            if (call.Label is { } label) context.Complain(label.At, "a label names one call; here several are repeated");
    }

    private static CheckedStep? Step(StepSyntax step, RuleContext context, Func<CallSyntax, CheckedCall?> check)
    {
        if (step is CallSyntax single) return check(single) is { } call ? new([call], 1, 1) : null;
        var repetition = (RepetitionSyntax)step;
        var certain = context.Certain();
        var calls = new List<CheckedCall>();
        foreach (var inner in repetition.Calls)
            if (check(inner) is { } good) calls.Add(good);
        if (repetition.Least == 0) context.Restore(certain);
        return new(calls, repetition.Least, repetition.Most);
    }

    private static List<SourceCall> Sources(SideSyntax side, List<CheckedStep> leader)
    {
        var sources = new List<SourceCall>();
        if (leader.Count != side.Steps.Count) return sources; // refused already
        for (var i = 0; i < leader.Count; i++)
            if (side.Steps[i] is CallSyntax call) sources.Add(new(i, leader[i].Calls[0].Row, call.Result is null));
        return sources;
    }

    /// <summary>The first of these events that has the call's name; each is the source of one call.</summary>
    private static SourceCall? NextSource(List<SourceCall> sources, string name)
    {
        var source = sources.Find(candidate => candidate.Row.Name == name);
        if (source is not null) sources.Remove(source);
        return source;
    }

    private BeginMark? Begin(BeginSyntax begin, List<BeginMark> known)
    {
        if (known.Exists(other => other.Scope.Includes(begin.Scope) || begin.Scope.Includes(other.Scope)))
            problems.Add(new(begin.At, ProblemKind.Error, "there is a 'begin' for this thread already"));
        var context = new RuleContext(_names, problems);
        var calls = new CallChecker(context, new(context));
        var leader = calls.Leader(begin.Leader);
        if (begin.Follower.Result is not null) context.Complain(begin.Follower.Result.At, "the follower's call at the beginning has no result yet", "leave it out");
        // As an event: what it would be given is not looked at.
        var follower = calls.Leader(begin.Follower with { Result = null });
        if (leader is null || follower is null) return null;
        if (follower.Tests.Any(test => test.Field.Kind == FieldKind.Received))
            context.Complain(begin.Follower.At, "what the follower receives is not known at its beginning", "write '_'");
        return new(begin.Scope, leader, follower with { Tests = [.. follower.Tests.Where(test => test is not SuccessTest)] });
    }
}
