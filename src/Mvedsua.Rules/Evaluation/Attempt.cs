using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Evaluation;

internal enum AttemptOutcome
{
    Fails,
    NeedsMore,
    Applies,
}

/// <summary>
/// One rule tried from its beginning. A repetition among the leader's events takes as few rounds as make the rule apply, so that
/// more pending events never change what was decided with fewer.
/// </summary>
internal sealed record Attempt(AttemptOutcome Outcome, int Consumed = 0, RuleState? State = null, Answer? Answer = null)
{
    private static readonly Attempt Fails = new(AttemptOutcome.Fails);
    private static readonly Attempt NeedsMore = new(AttemptOutcome.NeedsMore);

    /// <param name="rule">The rule.</param>
    /// <param name="state">The thread's state.</param>
    /// <param name="pending">The leader's events.</param>
    /// <param name="call">The follower's call; null only for rules without one.</param>
    /// <param name="isEnd">No more events will come.</param>
    /// <param name="why">Gets the reason of a failure.</param>
    internal static Attempt Run(CheckedRule rule, RuleState state, IReadOnlyList<CallRecord> pending, CallRecord? call, bool isEnd, Reason? why)
    {
        // Before anything is waited for: with another call of the follower the rule can't apply, whatever comes.
        if (rule.Follower.Count > 0 && rule.Follower[0].Calls[0].Row != call!.Row)
        {
            why?.Fail($"the follower's call is {call.Row.Name}, not {rule.Follower[0].Calls[0].Row.Name}");
            return Fails;
        }
        var trial = new Trial(pending, new Bindings(rule.Slots.Count, state.Stores), why);
        var repeated = IndexOfRepetition(rule);
        for (var i = 0; i < repeated; i++)
            if (!trial.Take(rule.Leader[i])) return trial.RanOut ? Ending(rule, trial, call, isEnd, why) : Fails;
        return repeated == rule.Leader.Count ? Follower(rule, state, call, trial, why) : Rounds(rule, repeated, trial, state, call, isEnd, why);
    }

    /// <summary>What a complete rule leaves unmatched; null: nothing.</summary>
    internal static string? LeftOver(Progress progress)
    {
        foreach (var test in progress.Rule.Follower.SelectMany(step => step.Calls).SelectMany(call => call.Tests).OfType<TakeTest>())
        {
            if (progress.Bindings[test.Slot] is { Bytes.Length: > 0 } rest)
                return $"\"{progress.Rule.Name}\" is complete, but of ${progress.Rule.Slots[test.Slot].Name} there is left {CallMatcher.Show(rest.AsBytes)}";
        }
        return null;
    }

    private static Attempt Rounds(CheckedRule rule, int repeated, Trial trial, RuleState state, CallRecord? call, bool isEnd, Reason? why)
    {
        var step = rule.Leader[repeated];
        for (var rounds = 0; ; rounds++)
        {
            if (rounds >= step.Least)
            {
                var rest = trial.Copy();
                rest.Events.Add(null);
                var fits = true;
                for (var i = repeated + 1; fits && i < rule.Leader.Count; i++) fits = rest.Take(rule.Leader[i]);
                if (fits && Follower(rule, state, call, rest, why) is { Outcome: AttemptOutcome.Applies } applied) return applied;
                if (rest.RanOut && Ending(rule, rest, call, isEnd, why).Outcome == AttemptOutcome.NeedsMore) return NeedsMore;
            }
            if (rounds == step.Most) return Fails;
            if (!trial.TakeRound(step)) return trial.RanOut ? Ending(rule, trial, call, isEnd, why) : Fails;
        }
    }

    private static int IndexOfRepetition(CheckedRule rule)
    {
        for (var i = 0; i < rule.Leader.Count; i++)
            if (rule.Leader[i].IsRepetition) return i;
        return rule.Leader.Count;
    }

    /// <summary>The leader's events end before the rule's. There is nothing to wait for when no event could make the rule fit the
    /// follower's call: a wrong byte must not go unnoticed while the leader is idle.</summary>
    private static Attempt Ending(CheckedRule rule, Trial trial, CallRecord? call, bool isEnd, Reason? why)
    {
        if (isEnd)
        {
            why?.Fail("the leader's events end before the rule's");
            return Fails;
        }
        return rule.Follower.Count == 0 || Feasibility.CanFit(rule, call!, trial.Bindings, why) ? NeedsMore : Fails;
    }

    private static Attempt Follower(CheckedRule rule, RuleState state, CallRecord? call, Trial trial, Reason? why)
    {
        var (bindings, events) = (trial.Bindings, trial.Events);
        var first = rule.Follower.Count > 0 ? rule.Follower[0].Calls[0] : null;
        var source = first is { Source: >= 0 } ? events[first.Source] : null;
        if (first is not null && !CallMatcher.Matches(first, call!, bindings, source, why)) return Fails;
        foreach (var condition in rule.Conditions)
        {
            if (bindings.Holds(condition) is true) continue;
            why?.Fail($"the condition at {condition.At} does not hold");
            return Fails;
        }
        var stores = state.Stores.ToArray();
        foreach (var (store, value) in rule.Stored)
        {
            var stored = value is BytesValue bytes ? bindings.BytesOf(bytes.Bytes) is { } known ? new Bound(0, known) : (Bound?)null
                : bindings.Number(value) is { } number ? new Bound(number, null) : null;
            if (stored is null)
            {
                why?.Fail($"what is stored at {value.At} has no value");
                return Fails;
            }
            stores[store] = stored;
        }
        if (first is null) return new(AttemptOutcome.Applies, trial.Consumed, state.With(stores));
        if (AnswerBuilder.Make(first, call!, source, bindings, why) is not { } answer) return Fails;
        var progress = new Progress(rule, bindings, events, 0, 0, 0).Advance(bindings);
        return new(AttemptOutcome.Applies, trial.Consumed, state.With(stores).With(progress), answer);
    }
}

/// <summary>How far the leader's events were matched.</summary>
internal sealed class Trial(IReadOnlyList<CallRecord> pending, Bindings bindings, Reason? why)
{
    internal Bindings Bindings { get; } = bindings;

    /// <summary>By step; null for a repetition.</summary>
    internal List<CallRecord?> Events { get; private init; } = [];

    internal int Consumed { get; private set; }

    /// <summary>It failed for want of events.</summary>
    internal bool RanOut { get; private set; }

    internal Trial Copy() => new(pending, Bindings.Copy(), why) { Events = [.. Events], Consumed = Consumed };

    /// <summary>A step that is no repetition.</summary>
    internal bool Take(CheckedStep step)
    {
        if (!TakeRound(step)) return false;
        Events.Add(pending[Consumed - 1]);
        return true;
    }

    internal bool TakeRound(CheckedStep step)
    {
        foreach (var call in step.Calls)
        {
            if (Consumed == pending.Count)
            {
                RanOut = true;
                return false;
            }
            if (!CallMatcher.Matches(call, pending[Consumed], Bindings, null, why))
            {
                why?.Fail($"event {Consumed + 1}: {why.Text}");
                return false;
            }
            Consumed++;
        }
        return true;
    }
}
