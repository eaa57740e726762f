using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Inference;

internal enum ShapeKind
{
    /// <summary>These calls for those.</summary>
    Plain,

    /// <summary>Several sends of the old version are one of the new one.</summary>
    Joined,

    /// <summary>One send of the old version is several of the new one.</summary>
    Split,
}

/// <summary>What differences must have in common to be explained by one rule.</summary>
internal sealed record Shape(ShapeKind Kind, string Old, string New)
{
    private const int Longest = 4; // calls on a side of a rule that is guessed

    /// <summary>Null: too long to guess at.</summary>
    internal static Shape? Of(Difference difference)
    {
        var (old, now) = (Records(difference.Old), Records(difference.New));
        if (IsRun(old) && now.Count == 1 && old[0].Row != now[0].Row && Same(old, now)) return new(ShapeKind.Joined, old[0].Row.Name, now[0].Row.Name);
        if (IsRun(now) && now.Count > 1 && old.Count == 1 && Same(now, old)) return new(ShapeKind.Split, old[0].Row.Name, now[0].Row.Name);
        if (old.Count > Longest || now.Count > Longest) return null;
        return new(ShapeKind.Plain, string.Join(';', old.Select(r => r.Row.Name)), string.Join(';', now.Select(r => r.Row.Name)));
    }

    /// <summary>Index of the readable buffer that the call sends; -1: none.</summary>
    internal static int SentBuffer(CallRecord record)
    {
        for (var i = 0; i < record.Row.Arguments.Count; i++)
            if (ArgumentFacts.IsSent(record.Row.Arguments[i]) && ArgumentFacts.IsReadable(record.Row.Arguments[i]) && record.Texts[i] is null) return i;
        return -1;
    }

    private static List<CallRecord> Records(IReadOnlyList<TracedCall> calls) => [.. calls.Select(call => call.Record)];

    /// <summary>The same call to the same descriptor, again and again, all bytes sent.</summary>
    private static bool IsRun(List<CallRecord> records) => records.Count > 0 && records.TrueForAll(record =>
        record.Row == records[0].Row && SentBuffer(record) >= 0 && record.Arguments[0] == records[0].Arguments[0] && record.Result == record.SentBytes);

    private static bool Same(List<CallRecord> run, List<CallRecord> single) =>
        SentBuffer(single[0]) >= 0 && single[0].Number(0) == run[0].Number(0) && single[0].Result == single[0].SentBytes
        && run.SelectMany(record => record.Sent[SentBuffer(record)] ?? []).SequenceEqual(single[0].Sent[SentBuffer(single[0])] ?? []);
}
