using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tracing;

/// <summary>A tracer's place among the readers of all logs: a cursor's index, and its bit in control.tracing, which
/// makes the leader publish. The leader takes the bit away from a tracer that holds too much of the log.</summary>
internal sealed class TracerSlot : IDisposable
{
    private readonly SharedMemory _memory;
    private readonly uint _bit;

    private TracerSlot(SharedMemory memory, int reader) => (_memory, Reader, _bit) = (memory, reader, 1u << reader);

    /// <summary>Index of the cursor.</summary>
    internal int Reader { get; }

    /// <summary>False: the leader has dropped this tracer.</summary>
    internal bool IsHeld => (_memory.Control.Block.Tracing.Value & _bit) != 0;

    /// <summary>Takes a free place.</summary>
    /// <exception cref="SessionException">All are taken.</exception>
    internal static TracerSlot Take(string session, SharedMemory memory)
    {
        SharedUInt32 tracing = memory.Control.Block.Tracing;
        for (int reader = (int)MvAbi.FirstTracer; reader < (int)MvAbi.MaxReaders; reader++)
        {
            if ((tracing.Or(1u << reader) & (1u << reader)) == 0) return new TracerSlot(memory, reader);
        }
        throw new SessionException(ExitStatus.RefusedByStage,
            $"Session '{session}' has {MvAbi.MaxReaders - MvAbi.FirstTracer} tracers already, which is all that its log has room for; end one of them first.");
    }

    /// <summary>Gives up the cursors of tracers that died with their coordinator: the leader would keep events for them.
    /// Returns whether there was one.</summary>
    internal static bool EndAbandoned(SharedMemory memory)
    {
        uint left = memory.Control.Block.Tracing.Value;
        for (int reader = (int)MvAbi.FirstTracer; reader < (int)MvAbi.MaxReaders; reader++)
            if ((left >> reader & 1) != 0) new TracerSlot(memory, reader).Dispose();
        return left != 0;
    }

    /// <summary>The reader of a log; null: it is not begun in this generation, or damaged, which ends the follower.</summary>
    internal LogReader? Open(int version, int slot, ulong generation)
    {
        try
        {
            return LogReader.Open(_memory.Memory, version, slot, generation, Reader);
        }
        catch (LogCorruptException)
        {
            return null;
        }
    }

    /// <summary>Whether the leader keeps events of this log for this tracer.</summary>
    internal unsafe bool IsExpected(int version, int slot)
    {
        MvLogHeader* log = _memory.Log(version, slot);
        return log != null && SharedMemory.Cursor(log, Reader)->Active != (uint)MvCursorState.Unused;
    }

    /// <summary>Leaves: no event is kept for this tracer any more.</summary>
    public void Dispose()
    {
        ControlBlock control = _memory.Control.Block;
        control.Tracing.And(~_bit);
        for (int version = 0; version < (int)MvAbi.Versions; version++)
        {
            for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
            {
                if (control.Thread(version, slot).State != MvThreadState.Free && IsExpected(version, slot))
                    Open(version, slot, control.LogGeneration)?.Dispose();
            }
        }
    }
}
