namespace Mvedsua.Coordinator.Control;

/// <summary>The verbs' view of sessions. Safe for concurrent use: every call has a connection of its own.</summary>
/// <remarks>Every method throws <see cref="SessionException"/> when it is refused or the session can't be reached.</remarks>
public interface ISessionClient
{
    /// <summary>Names of the sessions that exist, in order.</summary>
    IReadOnlyList<string> Names();

    /// <summary>The session's state now.</summary>
    Task<SessionStatus> StatusAsync(string name, CancellationToken cancel);

    /// <summary>The session's state now and after each change, until it ends.</summary>
    IAsyncEnumerable<SessionStatus> WatchAsync(string name, CancellationToken cancel);

    /// <summary>Gives the session a follower; returns once it is in step, with a line for the user.</summary>
    Task<string> FollowAsync(string name, CancellationToken cancel);

    /// <summary>Ends the session's follower; returns once it is gone, with a line for the user.</summary>
    Task<string> UnfollowAsync(string name, CancellationToken cancel);

    /// <summary>The leader's calls from now on, until the session ends.</summary>
    IAsyncEnumerable<TraceEvent> TraceAsync(string name, CancellationToken cancel);

    /// <summary>The last divergence.</summary>
    Task<DivergenceReport> ReportAsync(string name, CancellationToken cancel);
}

/// <summary>A session refused, or couldn't be reached; the message is one sentence for the user.</summary>
public sealed class SessionException(ExitStatus status, string message) : Exception(message)
{
    /// <summary>What the command exits with.</summary>
    public ExitStatus Status { get; } = status;
}
