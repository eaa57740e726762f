using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Bytecode;

/// <summary>One rule of an image tried from its beginning.</summary>
internal sealed class MachineTrial(
    Image image, Interpreter interpreter, int index, MachineState state, IReadOnlyList<CallRecord> pending, CallRecord call, bool isEnd)
{
    private readonly uint[] _rule = image.Rule(index).ToArray();

    /// <summary>Events that the rule took, when it applies.</summary>
    internal int Consumed { get; private set; }

    /// <summary>The state afterwards, when it applies.</summary>
    internal MachineState? State { get; private set; }

    /// <summary>What the call is told, when it applies and has one.</summary>
    internal Answer? Answer { get; private set; }

    // The place of a try: the shim has two of them, the one that goes on and the one that a repetition goes back to.
    private sealed record Place(Cell[] Slots, List<CallRecord?> Events, int Consumed)
    {
        internal int Consumed { get; set; } = Consumed;

        internal bool RanOut { get; set; }

        internal Place Copy() => new((Cell[])Slots.Clone(), [.. Events], Consumed);
    }

    internal AttemptOutcome Run()
    {
        var place = new Place(new Cell[_rule[1]], [], 0);
        for (var i = 0; i < _rule[3]; i++)
        {
            var step = image.Step((int)_rule[2] + i);
            if (step[0] != 0x00010101) return Rounds(i, place);
            if (!Round(i, place)) return place.RanOut ? Ending(place) : AttemptOutcome.Fails;
            place.Events.Add(pending[place.Consumed - 1]);
        }
        return Follower(place);
    }

    private AttemptOutcome Rounds(int repeated, Place place)
    {
        var step = image.Step((int)_rule[2] + repeated);
        var (least, most) = (step[0] & 0xff, step[0] >> 8 & 0xff);
        for (var rounds = 0; ; rounds++)
        {
            if (rounds >= least)
            {
                var rest = place.Copy();
                rest.Events.Add(null);
                var fits = true;
                for (var i = repeated + 1; fits && i < _rule[3]; i++)
                {
                    fits = Round(i, rest);
                    if (fits) rest.Events.Add(pending[rest.Consumed - 1]);
                }
                if (fits && Follower(rest) == AttemptOutcome.Applies) return AttemptOutcome.Applies;
                if (rest.RanOut && Ending(rest) == AttemptOutcome.NeedsMore) return AttemptOutcome.NeedsMore;
            }
            if (rounds == most) return AttemptOutcome.Fails;
            if (!Round(repeated, place)) return place.RanOut ? Ending(place) : AttemptOutcome.Fails;
        }
    }

    private bool Round(int number, Place place)
    {
        var step = image.Step((int)_rule[2] + number);
        for (var i = 0; i < step[0] >> 16; i++)
        {
            if (place.Consumed == pending.Count)
            {
                place.RanOut = true;
                return false;
            }
            var expected = image.Call((int)step[1] + i);
            var record = pending[place.Consumed];
            if (expected.Number != record.Row.Number || !interpreter.Run(expected.Tests, new Frame(record, place.Slots, state.Stores, null))) return false;
            place.Consumed++;
        }
        return true;
    }

    private AttemptOutcome Ending(Place place)
    {
        if (isEnd) return AttemptOutcome.Fails;
        if (_rule[5] == 0) return AttemptOutcome.NeedsMore;
        var first = image.Call((int)image.Step((int)_rule[4])[1]);
        return interpreter.Run(first.Fit, new Frame(call, place.Slots, state.Stores, null)) ? AttemptOutcome.NeedsMore : AttemptOutcome.Fails;
    }

    private AttemptOutcome Follower(Place place)
    {
        var stores = (Cell[])state.Stores.Clone();
        if (_rule[5] == 0)
        {
            if (!interpreter.Run(((int)_rule[6], (int)_rule[7]), new Frame(call, place.Slots, state.Stores, null, stores))) return AttemptOutcome.Fails;
            (Consumed, State) = (place.Consumed, state.With(stores));
            return AttemptOutcome.Applies;
        }
        var first = image.Call((int)image.Step((int)_rule[4])[1]);
        var source = first.Source >= 0 ? place.Events[first.Source] : null;
        var frame = new Frame(call, place.Slots, state.Stores, source);
        if (first.Number != call.Row.Number || !interpreter.Run(first.Tests, frame)
            || !interpreter.Run(((int)_rule[6], (int)_rule[7]), new Frame(call, place.Slots, state.Stores, source, stores))
            || !interpreter.Run(first.Answer, frame)) return AttemptOutcome.Fails;
        var progress = new MachineProgress(index, place.Slots, place.Events, 0, 0, 0);
        (Consumed, Answer) = (place.Consumed, frame.ToAnswer());
        State = state.With(stores).With(Machine.Advance(image, progress, place.Slots));
        return AttemptOutcome.Applies;
    }
}
