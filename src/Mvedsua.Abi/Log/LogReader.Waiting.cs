using System.Runtime.InteropServices;

namespace Mvedsua.Abi;

/// <summary>Why a wait ended.</summary>
public enum LogWake
{
    /// <summary>There is something to peek (or a fault to be told by it).</summary>
    Event,

    /// <summary>The log's owner is dead, and everything that it published has been consumed.</summary>
    OwnerDead,

    /// <summary>Nothing came in time.</summary>
    TimedOut,
}

/// <summary>Waiting: the protocol of native/shim/log/wait.c.</summary>
public sealed unsafe partial class LogReader
{
    private static readonly TimeSpan Nap = TimeSpan.FromMicroseconds(50), Naps = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan FirstSleep = TimeSpan.FromMilliseconds(1), LaterSleep = TimeSpan.FromSeconds(1);

    /// <summary>A futex of our own, in the same waitv: cancellation raises it. Freed with the reader.</summary>
    private uint* _stop;

    private SharedUInt32 Sleepers => new(&((MvLogSleepers*)(_base + MvAbi.SleepersOffset))->Bits);

    private SharedUInt32 Death => new(&((MvDeathWord*)&_header->Death)[_index].Word);

    private SharedUInt32 WakeWord => new(&_header->Wake);

    /// <summary>The kernel, or the keeper of this very generation, has told that the owning thread died. There may still be
    /// events to read.</summary>
    public bool IsOwnerDead => (Death.Value & Futex.OwnerDied) != 0
        || new SharedUInt32(&((MvDeathWord*)&_header->Death)[_index].Told).Value == (uint)_header->Generation;

    /// <summary>Waits for the next event, as long as it takes. Naps while events flow, sleeps (without polling)
    /// after 5 ms of silence.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; noticed at once, asleep too.</exception>
    public LogWake Wait(CancellationToken cancellation = default) => Wait(Timeout.InfiniteTimeSpan, cancellation);

    /// <summary>As above, at most <paramref name="limit"/>.</summary>
    public LogWake Wait(TimeSpan limit, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var begin = System.Diagnostics.Stopwatch.GetTimestamp();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Ready() is { } why) return why;
            var waited = System.Diagnostics.Stopwatch.GetElapsedTime(begin);
            var left = limit < TimeSpan.Zero ? TimeSpan.MaxValue : limit - waited;
            if (left <= TimeSpan.Zero) return LogWake.TimedOut;
            if (waited < Naps) new SharedUInt32(Stop()).Wait(*Stop(), left < Nap ? left : Nap);
            else Sleep(left, cancellation);
        }
    }

    /// <summary>Death is looked at before the log: what was published before it is told first.</summary>
    private LogWake? Ready()
    {
        var dead = IsOwnerDead;
        if (Volatile.Read(ref _header->Published) != _position) return LogWake.Event;
        return dead ? LogWake.OwnerDead : null;
    }

    private void Sleep(TimeSpan left, CancellationToken cancellation)
    {
        var stop = Stop();
        var seen = Volatile.Read(ref *stop);
        using var registration = cancellation.UnsafeRegister(static reader => ((LogReader)reader!).RaiseStop(), this);
        while (left > TimeSpan.Zero && Volatile.Read(ref *stop) == seen)
        {
            var wake = WakeWord.Value;
            var alive = Death.Value;
            var bit = 1u << _index;
            // A bit that is already set was seen by whatever the writer did since; only a fresh one can be missed.
            var fresh = (Sleepers.Value & bit) == 0;
            if (fresh) Sleepers.Or(bit);
            if (Ready() is not null) break;
            ReadOnlySpan<Futex.Waiter> on = [new(WakeWord, wake), new(Death, alive), new(new SharedUInt32(stop), seen)];
            var limit = fresh ? FirstSleep : LaterSleep;
            if (left < limit) limit = left;
            var begin = System.Diagnostics.Stopwatch.GetTimestamp();
            Futex.WaitAny(on, limit);
            if (left != TimeSpan.MaxValue) left -= System.Diagnostics.Stopwatch.GetElapsedTime(begin);
        }

        if ((Sleepers.Value & (1u << _index)) != 0) Sleepers.And(~(1u << _index));
    }

    private uint* Stop()
    {
        if (_stop == null) _stop = (uint*)NativeMemory.AllocZeroed(sizeof(uint));
        return _stop;
    }

    private void RaiseStop()
    {
        var stop = new SharedUInt32(_stop);
        stop.Increment();
        stop.Wake();
    }

    private void DisposeStop()
    {
        NativeMemory.Free(_stop);
        _stop = null;
    }
}
