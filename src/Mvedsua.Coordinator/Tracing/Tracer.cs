using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tracing;

/// <summary>Follows the event logs of a session's leader, whoever that is: a reader with a thread of its own for each
/// log, all into one queue. A client that takes too little from the queue loses the tracer, at once.</summary>
internal sealed class Tracer : IDisposable
{
    private const int QueueLength = 64 << 10; /* events */
    private static readonly TimeSpan LookForThreads = TimeSpan.FromMilliseconds(100);
    private readonly SharedMemory _memory;
    private readonly TracerSlot _place;
    private readonly Func<MvRequest, Task<ControlReply>> _ask;
    private readonly Channel<TraceEvent> _queue;
    private readonly CancellationTokenSource _stop;
    private readonly Dictionary<int, Task> _readers = [];
    private volatile bool _overflow;

    private Tracer(SharedMemory memory, TracerSlot place, Func<MvRequest, Task<ControlReply>> ask, CancellationToken cancel)
    {
        (_memory, _place, _ask) = (memory, place, ask);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _queue = Channel.CreateBounded<TraceEvent>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    }

    /// <summary>The leader's events from now on.</summary>
    /// <param name="session">The session's name.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="ask">Asks the leader to publish, or to look whether it still must.</param>
    /// <param name="cancel">Ends the trace.</param>
    /// <exception cref="SessionException">Refused, or dropped because the client was too slow.</exception>
    internal static async IAsyncEnumerable<TraceEvent> RunAsync(string session, SharedMemory memory,
        Func<MvRequest, Task<ControlReply>> ask, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var tracer = new Tracer(memory, TracerSlot.Take(session, memory), ask, cancel);
        Task tracing = Task.Run(tracer.TraceAsync, CancellationToken.None);
        try
        {
            while (await WaitAsync(tracer._queue.Reader, cancel).ConfigureAwait(false))
                while (tracer._queue.Reader.TryRead(out TraceEvent? e)) yield return e;
        }
        finally
        {
            await tracer._stop.CancelAsync().ConfigureAwait(false);
            await tracing.ConfigureAwait(false);
        }
    }

    public void Dispose() => _stop.Dispose();

    private static async Task<bool> WaitAsync(ChannelReader<TraceEvent> queue, CancellationToken cancel)
    {
        try
        {
            return await queue.WaitToReadAsync(cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Traces until stopped or dropped. The place among the readers is given back here, whether or not the client
    /// ever takes another event.</summary>
    private async Task TraceAsync()
    {
        Exception? problem = null;
        try
        {
            await SuperviseAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            problem = e;
        }
        if (_overflow) problem = Dropped();
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_readers.Values).ConfigureAwait(false);
        _place.Dispose();
        _queue.Writer.TryComplete(problem);
        await _ask(MvRequest.Untrace).ConfigureAwait(false);
    }

    /// <summary>Keeps a reader on each log: of new threads, of a new leader, of publishing that began anew.</summary>
    private async Task SuperviseAsync()
    {
        ControlBlock control = _memory.Control.Block;
        while (true)
        {
            if (!_place.IsHeld) throw Dropped();
            if (!control.Publishes)
            {
                ControlReply reply = await _ask(MvRequest.Trace).WaitAsync(_stop.Token).ConfigureAwait(false);
                if (!reply.Ok && reply.ExitStatus != ExitStatus.RefusedByStage)
                    throw new SessionException(reply.ExitStatus, reply.Error ?? "The leader can't be traced.");
            }
            OpenLogs(control);
            await Task.Delay(LookForThreads, _stop.Token).ConfigureAwait(false);
        }
    }

    private static SessionException Dropped() => new(ExitStatus.Unsupported,
        "The tracer was dropped: it can't keep up with the server's calls. Its output may be too slow; write it to a file.");

    private void OpenLogs(ControlBlock control)
    {
        (int version, ulong generation) = (control.LeaderVersion, control.LogGeneration);
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
        {
            if (_readers.TryGetValue(slot, out Task? running) && !running.IsCompleted) continue;
            MvThreadState state = control.Thread(version, slot).State;
            /* A thread may have come and gone since the last look: what it did is kept for us. */
            if (state == MvThreadState.Free || (state == MvThreadState.Exited && !_place.IsExpected(version, slot))) continue;
            if (_place.Open(version, slot, generation) is not { } reader) continue;
            int thread = Reports.Sides.LogicalThread(_memory, version, slot);
            _readers[slot] = Task.Factory.StartNew(() => Follow(reader, generation, thread), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void Follow(LogReader reader, ulong generation, int thread)
    {
        using (reader)
        {
            try
            {
                bool goesOn;
                do
                {
                    goesOn = reader.Wait(LookForThreads, _stop.Token) != LogWake.OwnerDead && Continues(reader, generation);
                    /* What was published before that is told in any case: the last words of a leader. */
                    Take(reader, thread);
                } while (goesOn);
            }
            catch (Exception e) when (e is OperationCanceledException or LogCorruptException)
            {
                /* Cancelled, or the log was begun anew under our eyes: the supervisor opens it again. */
            }
        }
    }

    private void Take(LogReader reader, int thread)
    {
        while (reader.TryPeek(out EventView view))
        {
            TraceEvent? e = null;
            try
            {
                e = EventDecoder.Decode(reader.Version, thread, view);
            }
            catch (Exception) when (!reader.IsCurrent)
            {
                /* Its memory is another event's already. */
            }
            if (e is null || !reader.IsCurrent) throw new OperationCanceledException();
            reader.Consume();
            if (_queue.Writer.TryWrite(e)) continue;
            _overflow = true;
            _stop.Cancel();
            throw new OperationCanceledException();
        }
    }

    private bool Continues(LogReader reader, ulong generation)
    {
        ControlBlock control = _memory.Control.Block;
        return control.Publishes && control.LeaderVersion == reader.Version && control.LogGeneration == generation
            && control.Thread(reader.Version, reader.Slot).State != MvThreadState.Exited && reader.IsCurrent;
    }
}
