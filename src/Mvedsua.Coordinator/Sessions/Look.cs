namespace Mvedsua.Coordinator.Sessions;

/// <summary>What one thread asks another one to look at. It is made once at most: a look that whoever asked has given up waiting for is not
/// made any more, as some ask the leader. For one asking thread and one looking thread.</summary>
internal sealed class Look<T>(Func<T> look)
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _taken; /* by who makes it, or by who gives it up */

    private bool Take() => Interlocked.Exchange(ref _taken, 1) == 0;

    /// <summary>Makes it, unless it was given up. Never throws: whoever asked is told of what `look` throws.</summary>
    internal void Make()
    {
        if (!Take()) return;
        try
        {
            _done.TrySetResult(look());
        }
        catch (Exception e)
        {
            _done.TrySetException(e);
        }
    }

    /// <summary>Waits for what it showed; one that has begun by then is waited for beyond the limit.</summary>
    /// <exception cref="TimeoutException">It had not begun within the limit, and won't be made.</exception>
    internal async Task<T> WaitAsync(TimeSpan limit)
    {
        try
        {
            return await _done.Task.WaitAsync(limit).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!_done.Task.IsFaulted && !Take())
        {
            return await _done.Task.ConfigureAwait(false);
        }
    }
}
