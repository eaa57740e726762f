using System.Threading.Channels;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Something that happened to a session. All of them pass through one queue and are handled one by one.</summary>
internal abstract record SessionEvent
{
    /// <summary>The shim raised control.change.</summary>
    internal sealed record ControlChanged : SessionEvent;

    /// <summary>A process ended. Status and resource usage (struct rusage) are null when it wasn't our child; then nobody knows the
    /// signals either that were pending in it.</summary>
    internal sealed record ProcessEnded(int Pid, WaitStatus? Status, byte[]? Usage, ulong Pending = 0) : SessionEvent;

    /// <summary>No child is left.</summary>
    internal sealed record NoChildLeft : SessionEvent;

    /// <summary>The coordinator was sent a signal that is meant for the server.</summary>
    internal sealed record SignalArrived(int Signal) : SessionEvent;

    /// <summary>A client asks for a change of roles, or the tracer for events.</summary>
    internal sealed record Requested(ShimRequest Request) : SessionEvent;

    /// <summary>The shim has not answered in time.</summary>
    internal sealed record RequestExpired(ShimRequest Request) : SessionEvent;

    /// <summary>All that the report of a diverged follower needs of it has been taken; it may end.</summary>
    internal sealed record FollowerSeen(Follower Who) : SessionEvent;

    /// <summary>A follower that was told to end has had its time.</summary>
    /// <param name="Process">The follower.</param>
    /// <param name="WasSeen">If it differed: it has been looked at.</param>
    internal sealed record FollowerOverdue(ProcessIdentity Process, bool WasSeen) : SessionEvent;

    /// <summary>A follower is further behind than the session allows.</summary>
    internal sealed record LagTooLong(Follower Who, TimeSpan Age) : SessionEvent;

    /// <summary>A follower has replayed what had been published when that number was asked for.</summary>
    /// <param name="Who">The follower.</param>
    /// <param name="Number">As it was asked for.</param>
    /// <param name="Events">How much it has replayed so far.</param>
    internal sealed record Replayed(Follower Who, int Number, ulong Events) : SessionEvent;

    /// <summary>A follower stands still, though there is something to replay.</summary>
    /// <param name="Who">The follower.</param>
    /// <param name="HowLong">For that time.</param>
    /// <param name="Events">How much it had replayed then.</param>
    /// <param name="InUpdate">An update waits for it.</param>
    internal sealed record Stalled(Follower Who, TimeSpan HowLong, ulong Events, bool InUpdate) : SessionEvent;

    /// <summary>A client wants an update.</summary>
    internal sealed record UpdateOrdered(UpdateOrder Order, ChannelWriter<ControlReply> Told) : SessionEvent;

    /// <summary>Somebody wants to look at the session between two events.</summary>
    internal sealed record Inspect(Action Look) : SessionEvent;
}
