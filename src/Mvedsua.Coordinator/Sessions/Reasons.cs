using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The shim's reasons in plain words and as stable names.</summary>
internal static class Reasons
{
    /// <summary>A name for scripts, such as "log-limit".</summary>
    internal static string Name(MvReason reason) => reason switch
    {
        MvReason.None => "none",
        MvReason.Requested => "requested",
        MvReason.Diverged => "diverged",
        MvReason.LogLimit => "log-limit",
        MvReason.LagLimit => "lag-limit",
        MvReason.Unsupported => "unsupported",
        MvReason.FollowerDied => "follower-died",
        MvReason.LeaderDied => "leader-died",
        MvReason.LeaderExited => "leader-exited",
        MvReason.Corrupt => "corrupt",
        MvReason.ParkTimeout => "park-timeout",
        MvReason.NoResources => "no-resources",
        MvReason.AsyncSignal => "async-signal",
        MvReason.Busy => "busy",
        MvReason.Escape => "escape",
        MvReason.Threads => "threads",
        MvReason.Replaced => "replaced",
        MvReason.UpdateFailed => "update-failed",
        MvReason.Stalled => "stalled",
        MvReason.Behind => "behind",
        _ => $"reason-{(uint)reason}",
    };

    /// <summary>The exit status of a request that failed for that reason.</summary>
    internal static ExitStatus Status(MvReason reason) => reason switch
    {
        MvReason.Busy => ExitStatus.RefusedByStage,
        MvReason.Unsupported or MvReason.Diverged or MvReason.AsyncSignal => ExitStatus.Unsupported,
        MvReason.ParkTimeout => ExitStatus.ServerUnresponsive,
        MvReason.UpdateFailed => ExitStatus.UpdateFailed,
        MvReason.Behind => ExitStatus.FollowerBehind,
        MvReason.NoResources or MvReason.LogLimit or MvReason.LagLimit or MvReason.Threads => ExitStatus.NoResources,
        _ => ExitStatus.Internal,
    };

    /// <summary>One clause, without a full stop; <paramref name="text"/> is the shim's own remark, often empty.</summary>
    internal static string Explain(MvReason reason, int code, string text)
    {
        string clause = reason switch
        {
            MvReason.None => "no reason was given",
            MvReason.Requested => "it was asked to",
            MvReason.Diverged => "it diverged from the leader",
            MvReason.LogLimit => "the event log's memory limit was reached",
            MvReason.LagLimit => "it fell behind further than the lag limit allows",
            MvReason.Unsupported => "the server does what no follower can replay yet",
            MvReason.FollowerDied => code > 0 ? $"it was killed by {WaitStatus.SignalName(code)}" : "it died",
            MvReason.LeaderDied => code > 0 ? $"the leader was killed by {WaitStatus.SignalName(code)}" : "the leader died",
            MvReason.LeaderExited => "the leader exited",
            MvReason.Corrupt => "the session memory is damaged",
            MvReason.ParkTimeout => "not all of the server's threads came to a call in time",
            MvReason.NoResources => code > 0
                ? $"the kernel refused a resource ({System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(code)})"
                : "the kernel refused a resource",
            MvReason.AsyncSignal => "a signal had to be delivered in the middle of a computation",
            MvReason.Busy => "the request does not fit the stage",
            MvReason.Escape => "it tried to reach beyond itself",
            MvReason.Threads => "no event log was left for a new thread",
            MvReason.Replaced => "it was replaced by the new leader",
            MvReason.UpdateFailed => "its update to another version failed",
            /* The leader's own word, with its remark; else a watch's. */
            MvReason.Stalled => text.Length > 0 ? $"it did not come within {code} s, for which the server stood still" : $"it hangs: it has replayed nothing for {code} s, though its leader went on",
            /* The offer itself is an event. */
            MvReason.Behind when code <= 1 => "the follower had nothing to catch up with, but did not take the lead (is it stopped?)",
            MvReason.Behind => $"the follower is {code} events behind and does not catch up; promote when 'mvedsua status' shows less",
            _ => $"reason {(uint)reason} (unknown to this release)",
        };
        return text.Length == 0 || reason is MvReason.Requested or MvReason.Replaced ? clause : $"{clause}: {text}";
    }
}
