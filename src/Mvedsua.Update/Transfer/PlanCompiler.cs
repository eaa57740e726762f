using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Transfer;

/// <summary>Makes plans of pairs, each once.</summary>
/// <param name="walksOpaque">Objects that lead to pointers of which nothing is known are walked too, because one of them may point to an
/// object that moves.</param>
/// <param name="read">What a global of the old version holds.</param>
internal sealed class PlanCompiler(bool walksOpaque, Func<GlobalValue, NumberValue> read)
{
    /// <summary>Longer arrays within structs are looped over; shorter ones are steps of their own.</summary>
    private const ulong LongestUnrolled = 16;

    private readonly Dictionary<TypePair, Plan> _plans = [];

    private sealed class Parts
    {
        internal List<Slot> Slots { get; } = [];
        internal List<Step> Steps { get; } = [];
        internal List<Loop> Loops { get; } = [];
        internal List<Choice> Choices { get; } = [];
        internal List<(int, int, TypePair)> ByValue { get; } = [];
        internal List<(int, int, string)> Calls { get; } = [];
        internal Tail? Tail { get; set; }

        internal void FillInto(Plan plan)
        {
            plan.Steps = Merge(Steps);
            plan.Bytes = [.. plan.Steps.OfType<CopyStep>().Select(c => (c.From, c.To, c.Size)).OrderBy(c => c.From)];
            (plan.Slots, plan.Loops, plan.Choices, plan.Parts, plan.Calls, plan.Tail) = ([.. Slots], [.. Loops], [.. Choices], [.. ByValue],
                [.. Calls], Tail);
        }

        /// <summary>Copies that adjoin in both objects become one.</summary>
        private static Step[] Merge(List<Step> steps)
        {
            var merged = new List<Step>();
            foreach (var step in steps)
            {
                if (step is CopyStep { Size: 0 }) continue;
                if (step is CopyStep next && merged.Count > 0 && merged[^1] is CopyStep last && last.From + last.Size == next.From
                    && last.To + last.Size == next.To)
                    merged[^1] = new CopyStep(last.From, last.To, last.Size + next.Size);
                else merged.Add(step);
            }
            return [.. merged];
        }
    }

    internal Plan Of(TypePair pair)
    {
        if (_plans.TryGetValue(pair, out var plan)) return plan;
        plan = _plans[pair] = new Plan(pair) { IsWalked = pair.LeadsToChange || (walksOpaque && pair.LeadsToOpaque) };
        var parts = new Parts();
        if (!pair.IsChanged) parts.Steps.Add(new CopyStep(0, 0, plan.OldSize));
        AddAll(pair.Conversions, 0, 0, parts, pair.IsChanged);
        parts.FillInto(plan);
        return plan;
    }

    private void AddAll(IReadOnlyList<Conversion> conversions, int from, int to, Parts parts, bool copies)
    {
        foreach (var conversion in conversions) Add(conversion, from + (int)conversion.From, to + (int)conversion.To, from, parts, copies);
    }

    /// <param name="conversion">What is done.</param>
    /// <param name="from">Its place in the whole old object.</param>
    /// <param name="to">Its place in the whole new object.</param>
    /// <param name="part">Where the part that the conversion belongs to begins in the whole old object.</param>
    /// <param name="parts">What was found so far.</param>
    /// <param name="copies">False: the bytes were copied as a whole already, only pointers are of interest.</param>
    private void Add(Conversion conversion, int from, int to, int part, Parts parts, bool copies)
    {
        switch (conversion)
        {
            case CopyBytes c:
                if (copies) parts.Steps.Add(new CopyStep(from, to, (int)c.Size));
                break;
            case FollowPointer p:
                if (copies) parts.Steps.Add(new CopyStep(from, to, 8));
                parts.Slots.Add(new Slot(from, to, Of(p.Target), false, p.Length?.Bind(read), part + (int)p.Record, p.Path));
                break;
            case OpaquePointer p:
                if (copies) parts.Steps.Add(new CopyStep(from, to, 8));
                parts.Slots.Add(new Slot(from, to, p.Target is null ? null : Of(p.Target), true, null, 0, p.Path));
                break;
            case ConvertNumber n when copies:
                parts.Steps.Add(new NumberStep(from, to, n.Old, n.New, n.Path));
                break;
            case Renumber n:
                parts.Steps.Add(new RenumberStep(from, to, n.Old, n.New, n.Values, n.Path));
                break;
            case SetValue s:
                parts.Steps.Add(new SetStep(from, to, s.Form, s.Value.Bind(read), s.Path));
                break;
            case MustBeZero z:
                parts.Steps.Add(new ZeroCheck(from, (int)z.Size, z.EndsText, part + (int)z.TextStart, z.Path));
                break;
            case CallFunction f:
                parts.Calls.Add((from, to, f.Function));
                break;
            case ConvertPart p:
                AddPart(p.Pair, from, to, parts, copies);
                break;
            case ConvertElements e:
                AddElements(e, from, to, parts, copies);
                break;
            case ConvertTail t:
                parts.Tail = new Tail(from, to, Of(t.Pair), t.Length?.Bind(read), part + (int)t.Record, t.Path);
                break;
            case ChooseMember c:
                parts.Choices.Add(new Choice(part + (int)c.Record, c.Path,
                    [.. c.Cases.Select(x => (x.Condition.Bind(read), Case(x, part, to - (int)c.To, copies)))]));
                break;
        }
    }

    private void AddPart(TypePair pair, int from, int to, Parts parts, bool copies)
    {
        parts.ByValue.Add((from, to, pair));
        if (copies && !pair.IsChanged)
        {
            parts.Steps.Add(new CopyStep(from, to, (int)pair.Old.Size));
            copies = false;
        }
        AddAll(pair.Conversions, from, to, parts, copies);
    }

    private void AddElements(ConvertElements elements, int from, int to, Parts parts, bool copies)
    {
        var (pair, oldSize, newSize) = (elements.Pair, (int)elements.Pair.Old.Size, (int)elements.Pair.New.Size);
        if (copies && !pair.IsChanged)
        {
            parts.Steps.Add(new CopyStep(from, to, checked((int)elements.Count * oldSize)));
            copies = false;
        }

        if (!copies && !pair.LeadsToChange && !pair.LeadsToOpaque && pair.Targets.Count == 0) return;
        if (elements.Count > LongestUnrolled)
        {
            parts.Loops.Add(new Loop(from, to, (int)elements.Count, Of(pair)));
            return;
        }
        for (var i = 0; i < (int)elements.Count; i++) AddPart(pair, from + i * oldSize, to + i * newSize, parts, copies);
    }

    /// <summary>A plan for the bytes of a union, relative to the whole object.</summary>
    private Plan Case(MemberCase member, int from, int to, bool copies)
    {
        /* Any pair will do: only the steps and pointers of this plan are used. */
        var plan = new Plan(new TypePair(-1, VoidType.Instance, VoidType.Instance));
        var parts = new Parts();
        AddAll(member.Conversions, from, to, parts, copies);
        parts.FillInto(plan);
        return plan;
    }
}
