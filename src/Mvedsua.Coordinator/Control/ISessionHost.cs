using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Coordinator.Control;

/// <summary>What <c>mvedsua run</c> was asked for, beside the command itself.</summary>
/// <param name="Name">Valid and free session name.</param>
/// <param name="Followers">So many same-version followers from the start: 0 … 3.</param>
/// <param name="Keep">A new leader gets as many again after a failover.</param>
/// <param name="LogLimit">Most bytes that the event logs may use; null: a quarter of memory.</param>
/// <param name="Lag">When the follower is ended for lagging; null: only by the log limit.</param>
public sealed record RunOptions(string Name, int Followers, bool Keep, long? LogLimit, LagLimit? Lag);

/// <summary>The coordinator's side that lives inside a <c>mvedsua</c> process.</summary>
public interface ISessionHost
{
    /// <summary>Starts the server, coordinates it until it ends and returns its exit status (128 + signal).</summary>
    Task<int> RunAsync(LaunchPlan plan, RunOptions options, CancellationToken cancel);

    /// <summary>Takes over a session whose coordinator died; calls <paramref name="ready"/> once its control socket
    /// listens again, and returns when the session has ended.</summary>
    /// <exception cref="SessionException">There is nothing to attach to.</exception>
    Task AttachAsync(string name, Action ready, CancellationToken cancel);
}
