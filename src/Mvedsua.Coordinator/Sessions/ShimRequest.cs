using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Something that the leader was asked to do, until it is settled.</summary>
internal sealed class ShimRequest(MvRequest kind)
{
    /// <summary>How long the leader may take: it answers within a call, unless it is stopped.</summary>
    internal static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource<ControlReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal MvRequest Kind { get; } = kind;

    /// <summary>Made by an operator, not by the coordinator for itself.</summary>
    internal bool IsOperators { get; init; } = kind is not (MvRequest.Trace or MvRequest.Untrace);

    /// <summary>control.request_number when it was made.</summary>
    internal uint Number { get; set; }

    /// <summary>Of follow: control.generation when it was first made. A follower of a later one is what was asked for, though the
    /// request be made again.</summary>
    internal ulong? Since { get; set; }

    /// <summary>The leader that was asked.</summary>
    internal int Leader { get; set; }

    /// <summary>The leader has agreed; what it promised has not happened yet.</summary>
    internal bool IsAnswered { get; set; }

    /// <summary>It was refused for something that passes by itself: by the leader, or because that has just died.</summary>
    internal bool MaySucceedLater { get; set; }

    /// <summary>Pid of the follower that an operator means; 0: the only one.</summary>
    internal int Target { get; init; }

    /// <summary>Of update: where the copy is made (<see cref="Abi.Memory.ControlBlock.PostRequest"/>).</summary>
    internal uint Point { get; init; } = MvAbi.PointAny;

    /// <summary>Of update at a point of the program's: its name.</summary>
    internal string PointName { get; init; } = "";

    /// <summary>All followers are to end.</summary>
    internal bool All { get; init; }

    /// <summary>The followers that are to end, or the one that is to lead.</summary>
    internal IReadOnlyList<Follower> Followers { get; set; } = [];

    /// <summary>Completes with the outcome; never faults.</summary>
    internal Task<ControlReply> Reply => _reply.Task;

    internal void Settle(ControlReply reply) => _reply.TrySetResult(reply);
}
