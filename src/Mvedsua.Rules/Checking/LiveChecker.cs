using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>What the language can say, but no follower of a running server can do yet. No state, safe from any thread.</summary>
public static class LiveChecker
{
    private const string Kept = "what it does is kept in the follower's own memory, which a rule would pass by";

    /// <summary>Calls that the leader alone makes, and of which the follower nevertheless keeps something. (Those that each process makes
    /// for itself are the table's own class.)</summary>
    internal static readonly HashSet<string> Remembered =
    [
        /* connections and messages between the server's own ends */
        "recvmsg", "recvmmsg", "sendmmsg", "pipe", "pipe2", "socketpair",
        /* descriptors under further numbers */
        "dup", "dup2", "dup3", "close_range", "fcntl",
        /* children */
        "wait4", "waitid",
        /* signals */
        "kill", "tgkill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "rt_sigtimedwait", "pause", "signalfd", "signalfd4",
        /* timers that send signals */
        "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete", "setitimer", "getitimer", "alarm",
        "chroot",
    ];

    /// <summary>Errors for what would end the follower, or lead it astray. By their place.</summary>
    public static IReadOnlyList<Problem> Check(RuleSet rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var problems = new List<Problem>();
        foreach (var call in rules.Rules.SelectMany(rule => rule.Leader.Concat(rule.Follower)).SelectMany(step => step.Calls)) Call(call, problems);
        foreach (var begin in rules.Begins)
            problems.Add(new(begin.Leader.At, ProblemKind.Error, "an updated version begins where it was copied: there is nothing before it that could be left out", "leave 'begin' out"));
        return [.. problems.OrderBy(problem => problem.At).Take(Limits.Problems)];
    }

    private static void Call(CheckedCall call, List<Problem> problems)
    {
        if (call.Row.Class != CallClass.Both && !Remembered.Contains(call.Row.Name)) return;
        problems.Add(new(call.At, ProblemKind.Error, $"{call.Row.Name} can't be reconciled by rules in a live update yet: {Kept}", "both versions must make it alike"));
    }
}
