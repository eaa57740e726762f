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
    internal bool IsOperators => Kind is MvRequest.Follow or MvRequest.Unfollow;

    /// <summary>control.request_number when it was made.</summary>
    internal uint Number { get; set; }

    /// <summary>The leader has agreed; what it promised has not happened yet.</summary>
    internal bool IsAnswered { get; set; }

    /// <summary>The follower that is to end, and the generation that it follows.</summary>
    internal (int Pid, ulong Generation) Follower { get; set; }

    /// <summary>Completes with the outcome; never faults.</summary>
    internal Task<ControlReply> Reply => _reply.Task;

    internal void Settle(ControlReply reply) => _reply.TrySetResult(reply);
}
