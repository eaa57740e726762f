using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Watches the age of the oldest event that a follower has not replayed. Events carry no time: the first
/// of these looks at which an event was already published tells since when it has waited at least.</summary>
internal sealed unsafe class LagMonitor : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly SharedMemory _memory;
    private readonly Follower _who;
    private readonly TimeSpan _limit;
    private readonly Action<SessionEvent> _post;
    private readonly Queue<(DateTime Time, ulong Published)>[] _samples = new Queue<(DateTime, ulong)>[MvAbi.MaxThreads];
    private readonly Timer _timer;

    private LagMonitor(SharedMemory memory, Follower who, TimeSpan limit, Action<SessionEvent> post)
    {
        (_memory, _who, _limit, _post) = (memory, who, limit, post);
        _timer = new Timer(_ => Look(), null, Interval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins when the session has a limit in time; null when it has none.</summary>
    internal static LagMonitor? StartIfLimited(SharedMemory memory, Follower who, Action<SessionEvent> post)
    {
        TimeSpan limit = memory.Control.Block.LagLimit;
        return limit == TimeSpan.Zero ? null : new LagMonitor(memory, who, limit, post);
    }

    /// <summary>Events and bytes published and not yet replayed, over all logs of the leader.</summary>
    internal static (long Events, long Bytes) Measure(SharedMemory memory, int follower)
    {
        ControlBlock control = memory.Control.Block;
        int version = control.LeaderVersion;
        long events = 0, bytes = 0;
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
        {
            if (FollowerCursor(memory, version, slot, follower, out MvLogHeader* log) is not { } cursor) continue;
            /* The cursor first: read the other way round, a reader that keeps up would seem to be ahead. */
            ulong sequence = Volatile.Read(ref cursor.Pointer->Sequence), read = cursor.Pointer->Bytes;
            events += Math.Max(0, (long)(log->Sequence - sequence));
            bytes += Math.Max(0, (long)(log->Bytes - read));
        }
        return (events, bytes);
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        DateTime now = DateTime.UtcNow;
        var age = TimeSpan.Zero;
        int version = _memory.Control.Block.LeaderVersion;
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
        {
            if (FollowerCursor(_memory, version, slot, _who.Version, out MvLogHeader* log) is not { } cursor) continue;
            Queue<(DateTime Time, ulong Published)> samples = _samples[slot] ??= new();
            ulong read = Volatile.Read(ref cursor.Pointer->Sequence);
            ulong published = Volatile.Read(ref log->Sequence);
            while (samples.TryPeek(out var oldest) && oldest.Published <= read) samples.Dequeue();
            if (published > read) samples.Enqueue((now, published));
            if (samples.TryPeek(out var waiting) && now - waiting.Time > age) age = now - waiting.Time;
        }
        if (age > _limit) _post(new SessionEvent.LagTooLong(_who, age));
        try
        {
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            /* The follower has ended meanwhile. */
        }
    }

    internal readonly record struct CursorRef(nint Address)
    {
        internal MvLogCursor* Pointer => (MvLogCursor*)Address;
    }

    /// <summary>A follower's cursor in one log of the leader's, and that log; null: there is no such log, or the follower does not read it.</summary>
    internal static CursorRef? FollowerCursor(SharedMemory memory, int version, int slot, int follower, out MvLogHeader* log)
    {
        log = memory.Control.Block.Thread(version, slot).State == MvThreadState.Free
            ? null : memory.Log(version, slot);
        if (log == null || log->Generation != memory.Control.Block.LogGeneration) return null;
        MvLogCursor* cursor = SharedMemory.Cursor(log, follower);
        return cursor->Active != 0 ? new CursorRef((nint)cursor) : null;
    }
}
