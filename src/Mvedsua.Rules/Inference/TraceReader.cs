using System.Globalization;
using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Inference;

/// <summary>An event of a trace with its line.</summary>
internal sealed record TracedCall(CallRecord Record, int Line);

/// <summary>A trace as <c>mvedsua trace</c> printed it.</summary>
/// <param name="Name">Its name in comments, such as its file's.</param>
/// <param name="Threads">Events by thread, threads by their first event.</param>
/// <param name="Problems">Lines that could not be read.</param>
public sealed record Trace(string Name, IReadOnlyList<TraceThread> Threads, IReadOnlyList<Problem> Problems)
{
    /// <summary>Reads a trace; never throws, whatever the text. What is no system call (signals, locks, roles) is passed over, and so are
    /// calls that each version makes for itself.</summary>
    /// <param name="name">Its name in comments.</param>
    /// <param name="text">Lines such as <c>[28] write(8, "+OK\r\n", 5) = 5</c>.</param>
    public static Trace Read(string name, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var threads = new List<(string Id, List<TracedCall> Calls)>();
        var problems = new List<Problem>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            var (thread, call) = Split(line.TrimEnd('\r'));
            if (!EventParser.IsCall(call) || IsNoCall(call)) continue;
            try
            {
                var record = EventParser.Parse(call, number, line.Length - call.Length, 1, out _);
                if (record.Result is null || record.Row.Class is not (CallClass.Replayed or CallClass.Both)) continue;
                var place = threads.FindIndex(t => t.Id == thread);
                if (place < 0)
                {
                    place = threads.Count;
                    threads.Add((thread, []));
                }
                threads[place].Calls.Add(new(record, number));
            }
            catch (RuleTextException e)
            {
                if (problems.Count < Limits.Problems) problems.Add(e.Problem);
            }
        }
        return new(name, [.. threads.Select(t => new TraceThread(t.Calls))], problems);
    }

    private static (string Thread, string Call) Split(string line)
    {
        line = line.TrimStart();
        if (line.StartsWith('[') && line.IndexOf(']', StringComparison.Ordinal) is > 0 and var end) return (line[1..end], line[(end + 1)..].TrimStart());
        var digits = line.TakeWhile(char.IsAsciiDigit).Count();
        return digits > 0 ? (line[..digits], line[digits..].TrimStart()) : ("", line);
    }

    // The events of a log that are no system calls, by the names that trace gives them.
    private static bool IsNoCall(string call) => call.Split('(')[0] is "signal" or "order" or "death" or "role" or "lock" or "trylock" or "condition_wait"
        or "read_lock" or "write_lock" or "semaphore_wait" or "barrier_wait" or "once" || call.StartsWith("event_", StringComparison.Ordinal);
}

/// <summary>One thread's events.</summary>
public sealed class TraceThread
{
    internal TraceThread(IReadOnlyList<TracedCall> calls) => Calls = calls;

    /// <summary>How many there are.</summary>
    public int Count => Calls.Count;

    internal IReadOnlyList<TracedCall> Calls { get; }

    /// <summary>What is compared of an event between two runs of the same input: not pids, which no two runs have in common.</summary>
    internal static string Signature(CallRecord record)
    {
        var text = new System.Text.StringBuilder(record.Row.Name);
        for (var i = 0; i < record.Row.Arguments.Count; i++)
        {
            var argument = record.Row.Arguments[i];
            if (argument.IsScalar && argument.Kind is not (ArgumentKind.Pid or ArgumentKind.Tid)) text.Append(CultureInfo.InvariantCulture, $",{record.Number(i)}");
            else if (ArgumentFacts.IsSent(argument)) text.Append(',').Append(Evaluation.Equality.Comparable(record, i));
        }
        return text.ToString();
    }
}
