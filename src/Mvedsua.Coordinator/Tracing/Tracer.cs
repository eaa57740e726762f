using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tracing;

/// <summary>Follows the event logs of a session's leader: a reader with a thread of its own for each log, all into
/// one queue. One tracer a session (the cursor with index 3).</summary>
internal sealed class Tracer : IDisposable
{
    private const int Reader = 3;
    private const int QueueLength = 64 << 10; /* events; a client that is further behind is dropped */
    private static readonly TimeSpan LookForThreads = TimeSpan.FromMilliseconds(100);
    private readonly SharedMemory _memory;
    private readonly Channel<TraceEvent> _queue;
    private readonly CancellationTokenSource _stop;
    private readonly Dictionary<int, Task> _readers = [];

    private Tracer(SharedMemory memory, CancellationToken cancel)
    {
        _memory = memory;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _queue = Channel.CreateBounded<TraceEvent>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    }

    /// <summary>The leader's events from now on.</summary>
    /// <param name="memory">The session memory.</param>
    /// <param name="ask">Asks the leader to publish, or to end that.</param>
    /// <param name="cancel">Ends the trace.</param>
    /// <exception cref="SessionException">Refused, or dropped because the client was too slow.</exception>
    internal static async IAsyncEnumerable<TraceEvent> RunAsync(SharedMemory memory, Func<MvRequest, Task<ControlReply>> ask,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        using var tracer = new Tracer(memory, cancel);
        SharedUInt32 tracing = memory.Control.Block.Tracing;
        if (tracing.Exchange(1) != 0)
            throw new SessionException(ExitStatus.RefusedByStage, "The session is being traced already, and one tracer is all it can have.");
        try
        {
            Task supervisor = Task.Run(() => tracer.SuperviseAsync(ask), CancellationToken.None);
            while (await WaitAsync(tracer._queue.Reader, cancel).ConfigureAwait(false))
                while (tracer._queue.Reader.TryRead(out TraceEvent? e)) yield return e;
            await supervisor.ConfigureAwait(false);
        }
        finally
        {
            await tracer._stop.CancelAsync().ConfigureAwait(false);
            await tracer.ReadersEndAsync().ConfigureAwait(false);
            tracing.Value = 0;
            await ask(MvRequest.Untrace).ConfigureAwait(false);
        }
    }

    /// <summary>Gives up the cursors of a tracer that died with its coordinator: the leader would keep events for it until
    /// its log is full. Returns whether there was one.</summary>
    internal static unsafe bool EndAbandoned(SharedMemory memory)
    {
        SharedUInt32 tracing = memory.Control.Block.Tracing;
        if (tracing.Exchange(0) == 0) return false;
        for (int version = 0; version < (int)MvAbi.Versions; version++)
        {
            for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
            {
                if (memory.Control.Block.Thread(version, slot).State == MvThreadState.Free) continue;
                MvLogHeader* log = memory.Log(version, slot);
                if (log == null || SharedMemory.Cursor(log, Reader)->Active == 0) continue;
                TryOpen(memory, version, slot, log->Generation)?.Dispose();
            }
        }
        return true;
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

    /// <summary>Keeps a reader on each log: of new threads, of a new leader, of publishing that began anew.</summary>
    private async Task SuperviseAsync(Func<MvRequest, Task<ControlReply>> ask)
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                ControlBlock control = _memory.Control.Block;
                if (!control.Publishing)
                {
                    ControlReply reply = await ask(MvRequest.Trace).ConfigureAwait(false);
                    if (!reply.Ok && reply.ExitStatus != ExitStatus.RefusedByStage)
                        throw new SessionException(reply.ExitStatus, reply.Error ?? "The leader can't be traced.");
                }
                OpenLogs(control);
                await Task.Delay(LookForThreads, _stop.Token).ConfigureAwait(false);
            }
            _queue.Writer.TryComplete();
        }
        catch (OperationCanceledException)
        {
            _queue.Writer.TryComplete();
        }
        catch (Exception e)
        {
            _queue.Writer.TryComplete(e);
        }
    }

    private void OpenLogs(ControlBlock control)
    {
        (int version, ulong generation) = (control.LeaderVersion, control.Generation);
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
        {
            if (_readers.TryGetValue(slot, out Task? running) && !running.IsCompleted) continue;
            if (control.Thread(version, slot).State is MvThreadState.Free or MvThreadState.Exited) continue;
            if (TryOpen(_memory, version, slot, generation) is not { } reader) continue;
            int thread = Reports.Sides.LogicalThread(_memory, version, slot);
            _readers[slot] = Task.Factory.StartNew(() => Follow(reader, generation, thread), CancellationToken.None,
                TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private static LogReader? TryOpen(SharedMemory memory, int version, int slot, ulong generation)
    {
        try
        {
            return LogReader.Open(memory.Memory, version, slot, generation, Reader);
        }
        catch (LogCorruptException)
        {
            return null; /* not begun in this generation yet; a damaged one ends the follower, which says so */
        }
    }

    private void Follow(LogReader reader, ulong generation, int thread)
    {
        using (reader)
        {
            try
            {
                while (Continues(reader, generation))
                {
                    if (reader.Wait(LookForThreads, _stop.Token) != LogWake.Event) continue;
                    while (reader.TryPeek(out EventView view))
                    {
                        TraceEvent e = EventDecoder.Decode(reader.Version, thread, view);
                        reader.Consume();
                        if (!_queue.Writer.TryWrite(e))
                        {
                            _queue.Writer.TryComplete(new SessionException(ExitStatus.Unsupported,
                                "The tracer was dropped: it can't keep up with the server's calls. Its output may be too slow; write it to a file."));
                            return;
                        }
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or LogCorruptException)
            {
                /* Cancelled, or the log was begun anew under our eyes: the supervisor opens it again. */
            }
        }
    }

    private bool Continues(LogReader reader, ulong generation)
    {
        ControlBlock control = _memory.Control.Block;
        return !_stop.IsCancellationRequested && control.Publishing && control.LeaderVersion == reader.Version
            && control.Generation == generation;
    }

    private async Task ReadersEndAsync() => await Task.WhenAll(_readers.Values).ConfigureAwait(false);
}
