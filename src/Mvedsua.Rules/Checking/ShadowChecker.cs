using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>
/// Warns of rules that never apply, because an earlier one applies wherever they would. It proves what it says: a rule that is
/// shadowed in a way it can't prove is not reported.
/// </summary>
internal static class ShadowChecker
{
    internal static void Check(RuleSet rules, List<Problem> problems)
    {
        foreach (var later in rules.Rules)
        {
            var earlier = rules.Rules.Take(later.Index).FirstOrDefault(rule => Covers(rule, later));
            if (earlier is null) continue;
            problems.Add(new(later.At, ProblemKind.Warning, $"this rule never applies: \"{earlier.Name}\" at {earlier.At} applies wherever it would",
                "put the narrower rule first"));
        }
    }

    private static bool Covers(CheckedRule wide, CheckedRule narrow)
    {
        if (wide.Kind != narrow.Kind || wide.Conditions.Count > 0 || !wide.Scope.Includes(narrow.Scope)) return false;
        if (wide.Leader.Count > narrow.Leader.Count) return false;
        // Only what decides whether a rule applies: the leader's events and the follower's first call.
        var wideCalls = Deciding(wide);
        var narrowCalls = Deciding(narrow);
        if (wideCalls is null || narrowCalls is null || StoresDecide(wide)) return false;
        var origins = new Origins(wideCalls, narrowCalls);
        if (wide.Kind != RuleKind.Adding)
        {
            for (var i = 0; i < wide.Leader.Count; i++)
                if (!Covers(wide.Leader[i].Calls[0], narrow.Leader[i].Calls[0], origins)) return false;
        }
        return wide.Kind == RuleKind.Dropping || Covers(wide.Follower[0].Calls[0], narrow.Follower[0].Calls[0], origins);
    }

    // A rule that reads a stored value doesn't apply before there is one.
    private static bool StoresDecide(CheckedRule rule) => rule.Leader.Concat(rule.Follower).SelectMany(step => step.Calls).Any(call =>
        call.Gifts.SelectMany(gift => gift.Parts).Any(part => part is StorePart) || call.Result is not (null or ConstantValue or SlotValue) || call.Gifts.Count > 0 && call.Result is not null);

    private static List<CheckedCall>? Deciding(CheckedRule rule)
    {
        if (rule.Leader.Any(step => step.IsRepetition)) return null;
        var calls = rule.Leader.Select(step => step.Calls[0]).ToList();
        if (rule.Follower.Count > 0) calls.Add(rule.Follower[0].Calls[0]);
        return calls;
    }

    private static bool Covers(CheckedCall wide, CheckedCall narrow, Origins origins)
    {
        if (wide.Row != narrow.Row) return false;
        // Gifts may not fit the call's room: a rule that gives may not apply where its tests hold.
        if (wide.Gifts.Count > 0) return false;
        return wide.Tests.All(test => Implied(test, narrow, origins, origins.IsFirst(wide, test)));
    }

    private static bool Implied(Test test, CheckedCall narrow, Origins origins, bool isFirst)
    {
        var others = narrow.Tests.Where(other => other.Field == test.Field).ToList();
        switch (test)
        {
            case SuccessTest:
                return others.Exists(other => other is SuccessTest);
            case NumberCapture when isFirst:
                return true;
            case NumberCapture capture:
                return others.OfType<NumberCapture>().Any(other => origins.AreSame(capture.Slot, other.Slot));
            case NumberTest { Value: ConstantValue constant } number:
                return others.OfType<NumberTest>().Any(other => other.Comparison == number.Comparison && other.Value is ConstantValue same && same.Number == constant.Number);
            case BytesTest { Parts: [CapturePart { Class: ByteClass.Any } part] } when isFirst || part.Slot < 0:
                return others.Count > 0;
            case BytesTest bytes:
                return others.OfType<BytesTest>().Any(other => Covers(bytes.Parts, other.Parts, origins, isFirst));
            default:
                return false;
        }
    }

    private static bool Covers(IReadOnlyList<Part> wide, IReadOnlyList<Part> narrow, Origins origins, bool isFirst)
    {
        // "text" * covers everything that begins with the text.
        if (wide is [TextPart { IgnoresCase: false } head, CapturePart { Class: ByteClass.Any } rest] && (rest.Slot < 0 || isFirst)
            && narrow[0] is TextPart { IgnoresCase: false } text && text.Bytes.AsSpan().StartsWith(head.Bytes)) return true;
        if (wide.Count != narrow.Count) return false;
        for (var i = 0; i < wide.Count; i++)
        {
            var same = (wide[i], narrow[i]) switch
            {
                (TextPart a, TextPart b) => a.IgnoresCase == b.IgnoresCase && a.Bytes.AsSpan().SequenceEqual(b.Bytes),
                (CapturePart a, CapturePart b) => a.Class == b.Class && (a.Slot < 0 || b.Slot < 0 ? a.Slot == b.Slot || isFirst : isFirst || origins.AreSame(a.Slot, b.Slot)),
                _ => false,
            };
            if (!same) return false;
        }
        return true;
    }

    /// <summary>Where captures get their values: two of different rules are the same when they get it at the same place.</summary>
    private sealed class Origins(List<CheckedCall> wide, List<CheckedCall> narrow)
    {
        private readonly Dictionary<int, (int, Field, int)> _wide = Find(wide);
        private readonly Dictionary<int, (int, Field, int)> _narrow = Find(narrow);
        private readonly List<CheckedCall> _wideCalls = wide;

        internal bool AreSame(int wideSlot, int narrowSlot) =>
            _wide.TryGetValue(wideSlot, out var a) && _narrow.TryGetValue(narrowSlot, out var b) && a == b;

        /// <summary>Every capture of this test gets its value here.</summary>
        internal bool IsFirst(CheckedCall call, Test test)
        {
            var index = _wideCalls.FindIndex(other => ReferenceEquals(other, call));
            return SlotsOf(test).All(slot => _wide.TryGetValue(slot.Slot, out var origin) && origin == (index, test.Field, slot.Place));
        }

        private static Dictionary<int, (int, Field, int)> Find(List<CheckedCall> calls)
        {
            var found = new Dictionary<int, (int, Field, int)>();
            for (var i = 0; i < calls.Count; i++)
                foreach (var test in calls[i].Tests)
                    foreach (var (slot, place) in SlotsOf(test)) found.TryAdd(slot, (i, test.Field, place));
            return found;
        }

        private static IEnumerable<(int Slot, int Place)> SlotsOf(Test test) => test switch
        {
            NumberCapture capture => [(capture.Slot, 0)],
            BytesTest bytes => bytes.Parts.Select((part, i) => (part, i)).Where(pair => pair.part is CapturePart { Slot: >= 0 })
                .Select(pair => (((CapturePart)pair.part).Slot, pair.i)),
            _ => [],
        };
    }
}
