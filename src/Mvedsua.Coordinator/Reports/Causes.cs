using System.Text;
using System.Text.RegularExpressions;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Coordinator.Reports;

/// <summary>What is known about a divergence when its causes are guessed.</summary>
/// <param name="Kind">In what the sides differ.</param>
/// <param name="Before">The events directly before, oldest first.</param>
/// <param name="LeaderCall">The leader's call.</param>
/// <param name="FollowerCall">The follower's.</param>
/// <param name="Difference">The first differing byte; null when it isn't in bytes.</param>
/// <param name="Threads">Threads of the leader.</param>
/// <param name="Other">File of the version that the follower runs, when that is another one; else null.</param>
internal sealed record Evidence(MvDifference Kind, IReadOnlyCollection<RecordedEvent> Before, ushort LeaderCall,
    ushort FollowerCall, PayloadDifference? Difference, int Threads, string? Other = null);

/// <summary>What could have caused a divergence, by evidence, the likeliest first.</summary>
internal static partial class Causes
{
    private static readonly string[] Clocks = ["clock_gettime", "gettimeofday", "time", "times", "getrusage", "sysinfo"];

    internal static IReadOnlyList<string> Guess(Evidence evidence)
    {
        var causes = new List<string>();
        if (evidence.Other is { } other)
            causes.Add($"The follower runs another version ({other}), which does otherwise here: by mistake, or on purpose; what is on purpose is said by a rule ('mvedsua update --rules DIR', docs/rule-language.md).");
        if (StatisticsField(evidence.Difference) is { } field)
            causes.Add($"The bytes belong to field '{field}' of a statistics reply (as Redis' INFO): it tells of memory or thread timing, which differ between any two processes. Such fields are masked by name.");
        if (evidence.Before.Any(e => e.Call == (ushort)MvPseudoCall.Signal))
            causes.Add("A signal was delivered just before: a handler that ran at another place of a computation leaves other state.");
        bool ordered = evidence.Kind == MvDifference.Order || evidence.Before.Any(e => e.Call == (ushort)MvPseudoCall.Order);
        if (ordered)
            causes.Add("Threads took or awaited locks just before: an order between threads that the lock events don't fix (a lock of its own kind, a spin lock, atomics).");
        if (evidence.Threads > 1)
            causes.Add($"The server has {evidence.Threads} threads: they may talk through memory without a lock (a data race, atomics), which a follower can't replay.");
        if (evidence.Kind is MvDifference.Call or MvDifference.End && !ordered)
            causes.Add("The follower took another branch: look at what the backtraces' innermost common function decides by.");
        if (evidence.Kind == MvDifference.Argument && IsMemoryCall(evidence.LeaderCall))
            causes.Add("The argument depends on an address or on the allocator's state.");
        if (NamesClock(evidence))
            causes.Add("A clock was read just before: time read by other means than a call (rdtsc) differs.");
        causes.Add("No call differed before this one, so the difference came from inside: an instruction whose result isn't replayed (rdtsc, rdrand, cpuid), memory that was never initialised, an address used as data (hash of a pointer), or a call that is made locally by both (futex, madvise, memory usage).");
        return causes;
    }

    private static bool IsMemoryCall(ushort call) =>
        CallTable.ByNumber(call)?.Name is "mmap" or "munmap" or "mprotect" or "mremap" or "madvise" or "brk" or "process_vm_readv";

    private static bool NamesClock(Evidence evidence) => evidence.Before.TakeLast(4).Any(
        e => CallTable.ByNumber(e.Call) is { } row && Clocks.Contains(row.Name));

    /// <summary>The name before the colon, when the differing byte is in a number on a line "name:number".</summary>
    private static string? StatisticsField(PayloadDifference? difference)
    {
        if (difference is null || difference.Offset >= difference.Leader.Length) return null;
        string text = Encoding.Latin1.GetString(difference.Leader);
        int start = text.LastIndexOf('\n', difference.Offset) + 1;
        int end = text.IndexOf('\n', difference.Offset);
        Match match = StatisticsLine().Match(end < 0 ? text[start..] : text[start..end]);
        return match.Success ? match.Groups[1].Value : null;
    }

    [GeneratedRegex(@"^(?:STAT )?([A-Za-z_][\w.-]*)[: ]\s*-?[\d.]+[A-Za-z%]{0,2}\r?$")]
    private static partial Regex StatisticsLine();
}
