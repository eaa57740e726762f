using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Bytecode;

/// <summary>What a thread keeps between calls while an image is interpreted. Immutable.</summary>
public sealed class MachineState
{
    private MachineState(int thread, bool hasBegun, Cell[] stores, MachineProgress? progress) =>
        (Thread, HasBegun, Stores, Progress) = (thread, hasBegun, stores, progress);

    internal int Thread { get; }

    internal bool HasBegun { get; }

    internal Cell[] Stores { get; }

    internal MachineProgress? Progress { get; }

    /// <summary>A thread that has made no call yet.</summary>
    public static MachineState Start(Image image, int thread)
    {
        ArgumentNullException.ThrowIfNull(image);
        var waits = Enumerable.Range(0, image.Begins).Any(i => Machine.Includes(image.Begin(i)[0], thread));
        return new(thread, !waits, new Cell[image.Stores], null);
    }

    internal MachineState Begun() => new(Thread, true, Stores, Progress);

    internal MachineState With(MachineProgress? progress) => new(Thread, HasBegun, Stores, progress);

    internal MachineState With(Cell[] stores) => new(Thread, HasBegun, stores, Progress);
}

internal sealed record MachineProgress(int Rule, Cell[] Slots, IReadOnlyList<CallRecord?> Events, int Step, int Call, int Round);

/// <summary>What an image decides: as <see cref="Decision"/>, the rule by its index.</summary>
/// <param name="Kind">What becomes of the call.</param>
/// <param name="State">The thread's state afterwards.</param>
/// <param name="Consumed">Events that are done with.</param>
/// <param name="Rule">Index of the rule; -1: none; -2: the beginning.</param>
/// <param name="Answer">What a reconciled call is told.</param>
public sealed record MachineDecision(DecisionKind Kind, MachineState State, int Consumed = 0, int Rule = -1, Answer? Answer = null);

/// <summary>
/// Interprets an image: the model of the interpreter in the shim, written apart from the reference evaluator so that each tests the
/// other. Pure, safe from any thread.
/// </summary>
/// <param name="image">The image.</param>
public sealed class Machine(Image image)
{
    private const int Begin = -2;
    private readonly Interpreter _interpreter = new(image);

    /// <summary>Decides about one call; see <see cref="Evaluator.Decide"/>.</summary>
    public MachineDecision Decide(MachineState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(pending);
        ArgumentNullException.ThrowIfNull(call);
        if (!state.HasBegun)
        {
            if (Beginning(state, pending, call, isEnd) is { } decision) return decision;
            state = state.Begun();
        }
        if (state.Progress is { } progress)
        {
            if (Continue(state, progress, call) is { } decision) return decision;
            state = state.With((MachineProgress?)null);
        }
        return Fresh(state, pending, call, isEnd);
    }

    internal static bool Includes(uint scope, int thread) => (scope >> 8 & 0xff) switch
    {
        0 => true,
        1 => thread == 1,
        2 => thread != 1,
        _ => thread == scope >> 16,
    };

    private MachineDecision Fresh(MachineState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd)
    {
        var candidates = image.Candidates(call.Row.Number, dropping: false).ToList();
        foreach (var rule in candidates.Where(rule => Kind(rule) == 0))
            if (Try(rule, state, pending, call, isEnd) is { } decision) return decision;
        if (pending.Count == 0 && !isEnd) return new(DecisionKind.NeedsMore, state);
        if (pending.Count > 0 && Equality.Difference(pending[0], call) is null) return new(DecisionKind.Equal, state, 1);
        var dropping = pending.Count == 0 ? [] : image.Candidates(pending[0].Row.Number, dropping: true);
        foreach (var rule in candidates.Where(rule => Kind(rule) == 2).Concat(dropping).Order())
            if (Try(rule, state, pending, call, isEnd) is { } decision) return decision;
        return new(DecisionKind.Diverged, state);
    }

    private int Kind(int rule) => (int)(image.Rule(rule)[0] & 0xff);

    private MachineDecision? Try(int rule, MachineState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd)
    {
        if (!Includes(image.Rule(rule)[0], state.Thread)) return null;
        var trial = new MachineTrial(image, _interpreter, rule, state, pending, call, isEnd);
        return trial.Run() switch
        {
            AttemptOutcome.NeedsMore => new(DecisionKind.NeedsMore, state, 0, rule),
            AttemptOutcome.Applies when Kind(rule) == 1 => new(DecisionKind.Dropped, trial.State!, trial.Consumed, rule),
            AttemptOutcome.Applies => Settled(rule, trial.State!, trial.Consumed, trial.Answer!),
            _ => null,
        };
    }

    private MachineDecision? Continue(MachineState state, MachineProgress progress, CallRecord call)
    {
        var rule = image.Rule(progress.Rule).ToArray();
        while (progress.Step < rule[5])
        {
            var step = image.Step((int)rule[4] + progress.Step);
            var expected = image.Call((int)step[1] + progress.Call);
            var source = expected.Source >= 0 ? progress.Events[expected.Source] : null;
            var frame = new Frame(call, (Cell[])progress.Slots.Clone(), state.Stores, source);
            if (expected.Number == call.Row.Number && _interpreter.Run(expected.Tests, frame) && _interpreter.Run(expected.Answer, frame))
                return Settled(progress.Rule, state.With(Advance(progress, frame.Slots)), 0, frame.ToAnswer());
            if (progress.Call != 0 || progress.Round < (step[0] & 0xff)) return new(DecisionKind.Diverged, state, 0, progress.Rule);
            progress = progress with { Step = progress.Step + 1, Call = 0, Round = 0 };
        }
        return HasLeftOver(progress) ? new(DecisionKind.Diverged, state, 0, progress.Rule) : null;
    }

    private MachineProgress Advance(MachineProgress progress, Cell[] slots) => Advance(image, progress, slots);

    internal static MachineProgress Advance(Image image, MachineProgress progress, Cell[] slots)
    {
        var step = image.Step((int)image.Rule(progress.Rule)[4] + progress.Step);
        if (progress.Call + 1 < step[0] >> 16) return progress with { Slots = slots, Call = progress.Call + 1 };
        return progress.Round + 1 < (step[0] >> 8 & 0xff)
            ? progress with { Slots = slots, Call = 0, Round = progress.Round + 1 }
            : progress with { Slots = slots, Call = 0, Round = 0, Step = progress.Step + 1 };
    }

    private MachineDecision Settled(int rule, MachineState state, int consumed, Answer answer)
    {
        if (state.Progress is { } progress && progress.Step == image.Rule(rule)[5])
        {
            if (HasLeftOver(progress)) return new(DecisionKind.Diverged, state, consumed, rule);
            state = state.With((MachineProgress?)null);
        }
        return new(DecisionKind.Reconciled, state, consumed, rule, answer);
    }

    // A slot that a call takes pieces of must be empty at the end: the calls' code says which those are.
    private bool HasLeftOver(MachineProgress progress)
    {
        var rule = image.Rule(progress.Rule);
        for (var i = rule[4]; i < rule[4] + rule[5]; i++)
        {
            var step = image.Step((int)i);
            for (var j = step[1]; j < step[1] + (step[0] >> 16); j++)
                foreach (var slot in TakenSlots(image.Call((int)j).Tests))
                    if (progress.Slots[slot].Bytes is { Length: > 0 }) return true;
        }
        return false;
    }

    private List<int> TakenSlots((int At, int Words) stretch)
    {
        var slots = new List<int>();
        var code = image.Code.Slice(stretch.At, stretch.Words);
        for (var at = 0; at < code.Length;)
        {
            var word = code[at++];
            var op = (Op)(word & 0xff);
            if (op == Op.Take) slots.Add((int)(word >> 16));
            at += op switch
            {
                Op.Literal => 2,
                Op.Room => 1,
                Op.Load => new PartReader(image, code[at..], 1, [], []).Words,
                Op.Match or Op.Matches or Op.FitBytes or Op.Give => new PartReader(image, code[at..], (int)(word >> 16), [], []).Words,
                _ => 0,
            };
        }
        return slots;
    }

    private MachineDecision? Beginning(MachineState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd)
    {
        var begin = Enumerable.Range(0, image.Begins).Select(i => image.Begin(i).ToArray()).First(entry => Includes(entry[0], state.Thread));
        if (!Matches((int)begin[2], call)) return Before(state, call);
        for (var i = 0; i < pending.Count; i++)
        {
            if (!Matches((int)begin[1], pending[i])) continue;
            return i == 0 ? null : new(DecisionKind.Dropped, state.Begun(), i, Begin);
        }
        return isEnd ? new(DecisionKind.Diverged, state) : new(DecisionKind.NeedsMore, state, 0, Begin);

        bool Matches(int index, CallRecord record)
        {
            var expected = image.Call(index);
            return expected.Number == record.Row.Number && _interpreter.Run(expected.Tests, new Frame(record, new Cell[Language.Limits.Captures], state.Stores, null));
        }
    }

    private MachineDecision Before(MachineState state, CallRecord call)
    {
        foreach (var index in image.Candidates(call.Row.Number, dropping: false))
        {
            var rule = image.Rule(index).ToArray();
            if (Kind(index) != 2 || !Includes(rule[0], state.Thread) || rule[5] != 1 || (image.Step((int)rule[4])[0] & 0xffff) != 0x0101) continue;
            var trial = new MachineTrial(image, _interpreter, index, state, [], call, isEnd: true);
            if (trial.Run() == AttemptOutcome.Applies)
                return new(DecisionKind.Reconciled, trial.State!.With((MachineProgress?)null), 0, index, trial.Answer);
        }
        return ArgumentFacts.IsHarmless(call.Row) ? new(DecisionKind.Reconciled, state, 0, Begin, Answer.Executed) : new(DecisionKind.Diverged, state);
    }
}
