using System.Runtime.InteropServices;

namespace Mvedsua.Cli;

/// <summary>Ends a verb that goes on until the user has seen enough: ^C is its normal end, so it exits with 0.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt, _terminate;

    internal Interrupt()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    }

    internal CancellationToken Token => _source.Token;

    /// <summary>Moves to the next item; false at the end of the items or at an interrupt.</summary>
    internal async Task<bool> NextAsync<T>(IAsyncEnumerator<T> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (OperationCanceledException) when (_source.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Ends the waiting as a signal would. Any thread, also when the verb has ended.</summary>
    internal void End()
    {
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            /* The verb has ended by itself. */
        }
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        _source.Cancel();
    }
}
