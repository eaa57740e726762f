using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Evaluation;

/// <summary>
/// Whether a rule whose events have come only in part could still fit a call of the follower. Says no only where no event could
/// change that, so that a decision does not depend on how many events are pending.
/// </summary>
internal static class Feasibility
{
    internal static bool CanFit(CheckedRule rule, CallRecord call, Bindings bindings, Reason? why)
    {
        var appended = rule.Leader.SelectMany(step => step.Calls).SelectMany(c => c.Tests).OfType<AppendTest>().Select(test => test.Slot).ToHashSet();
        foreach (var test in rule.Follower[0].Calls[0].Tests)
        {
            var fits = test switch
            {
                NumberTest { Value: ConstantValue constant } number => Bindings.Compare(call.Number(test.Field.Argument), number.Comparison, constant.Number),
                NumberCapture capture => bindings[capture.Slot] is not { } known || known.Number == call.Number(test.Field.Argument),
                BytesTest bytes => CanFit(call.Sent[test.Field.Argument], bytes.Parts, bindings, appended),
                _ => true,
            };
            if (!fits) return why?.Fail("the follower's call can't fit, whatever the leader does next") ?? false;
        }
        return true;
    }

    /// <summary>What is known of the beginning stands there.</summary>
    private static bool CanFit(ReadOnlySpan<byte> buffer, IReadOnlyList<Part> parts, Bindings bindings, HashSet<int> appended)
    {
        foreach (var part in parts)
        {
            // Of what may still grow, the lines that are complete become what they become.
            if (part is MappedPart { Source: CapturePart { Slot: >= 0 } source } mapped && bindings.BytesOf(source) is { } lines)
                return buffer.StartsWith(LineMapper.Map(lines.AsSpan(0, lines.AsSpan().LastIndexOf((byte)'\n') + 1), mapped.Map));
            if (part is not (TextPart { IgnoresCase: false } or CapturePart { Slot: >= 0 }) || bindings.BytesOf(part) is not { } known) return true;
            if (!buffer.StartsWith(known)) return false;
            // More may be put behind it.
            if (part is CapturePart capture && appended.Contains(capture.Slot)) return true;
            buffer = buffer[known.Length..];
        }
        return buffer.IsEmpty;
    }
}
