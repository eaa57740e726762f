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

    /// <summary>Gives the session a follower, or one more; returns once it is in step, with a line for the user.</summary>
    Task<string> FollowAsync(string name, CancellationToken cancel);

    /// <summary>Ends a follower; returns once it is gone, with a line for the user.</summary>
    /// <param name="name">The session.</param>
    /// <param name="pid">Which one; 0: the only one.</param>
    /// <param name="all">All of them.</param>
    /// <param name="cancel">Gives up waiting.</param>
    Task<string> UnfollowAsync(string name, int pid, bool all, CancellationToken cancel);

    /// <summary>Makes a follower the leader, and the leader its follower; returns once they have changed places, with a line for the user.</summary>
    /// <param name="name">The session.</param>
    /// <param name="pid">Which follower; 0: the only one.</param>
    /// <param name="wait">How long it is waited for while it is behind; null: <see cref="PromotionPatience.Usual"/>.</param>
    /// <param name="cancel">Gives up waiting: a follower that is still behind is not asked any more.</param>
    Task<string> PromoteAsync(string name, int pid, TimeSpan? wait, CancellationToken cancel);

    /// <summary>Gives the session a follower that runs another version, and what else is asked for; lines for the user as it goes on.</summary>
    /// <param name="name">The session.</param>
    /// <param name="order">What is asked for.</param>
    /// <param name="cancel">Gives up waiting: what has been begun comes to its end, nothing more is begun.</param>
    IAsyncEnumerable<string> UpdateAsync(string name, UpdateOrder order, CancellationToken cancel);

    /// <summary>Ends the old version, which follows; returns once it is gone, with a line for the user.</summary>
    Task<string> CommitAsync(string name, CancellationToken cancel);

    /// <summary>Ends the new version, whether it follows or leads; returns once it is gone, with a line for the user.</summary>
    Task<string> RollbackAsync(string name, CancellationToken cancel);

    /// <summary>The leader's calls from now on, until the session ends.</summary>
    IAsyncEnumerable<TraceEvent> TraceAsync(string name, CancellationToken cancel);

    /// <summary>The last divergence.</summary>
    Task<DivergenceReport> ReportAsync(string name, CancellationToken cancel);
}

/// <summary>A session refused, or couldn't be reached; the message is one sentence for the user.</summary>
public sealed class SessionException(ExitStatus status, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>What the command exits with.</summary>
    public ExitStatus Status { get; } = status;
}
