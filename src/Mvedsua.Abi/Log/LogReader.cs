namespace Mvedsua.Abi;

/// <summary>Reads one live event log: the C# twin of native/shim/log/reader.c. Belongs to one thread at a time.</summary>
public sealed unsafe partial class LogReader : IDisposable
{
    private readonly MappedSpan _span;
    private readonly byte* _base;
    private readonly MvLogHeader* _header;
    private readonly MvLogCursor* _cursor;
    private readonly int _index;
    private readonly ulong _generation;
    private ulong _position, _published, _high, _limit, _sequence, _bytes;
    private uint _size;
    private bool _joining;
    private bool _disposed;

    private LogReader(MappedSpan span, int version, int slot, int index)
    {
        _span = span;
        _base = span.Address;
        _header = (MvLogHeader*)_base;
        _cursor = (MvLogCursor*)(_base + MvAbi.CursorOffset(index));
        _index = index;
        _generation = _header->Generation;
        Version = version;
        Slot = slot;
    }

    public int Version { get; }
    public int Slot { get; }

    /// <summary>Of the next event.</summary>
    public ulong Sequence => _sequence;

    /// <summary>False: this reader has been dropped, or the log was begun anew, and what is read now may be anything.
    /// What was read before the question was whole.</summary>
    public bool IsCurrent
    {
        get
        {
            Interlocked.MemoryBarrier();
            return _header->Generation == _generation && _cursor->Active == (uint)MvCursorState.Active;
        }
    }

    /// <summary>How many events and bytes are published and not yet consumed here.</summary>
    public (ulong Events, ulong Bytes) Lag =>
        (Volatile.Read(ref _header->Sequence) - _cursor->Sequence, Volatile.Read(ref _header->Bytes) - _cursor->Bytes);

    /// <summary>Opens a log. Continues from the cursor when the writer expects this reader; otherwise joins at
    /// the end: what is published from now on is seen.</summary>
    /// <param name="memory">Opened writable: the cursor is written. It may be disposed before the reader.</param>
    /// <param name="version">Whose log, 0 or 1.</param>
    /// <param name="slot">Which thread's, 0 … 127.</param>
    /// <param name="generation">control.log_generation.</param>
    /// <param name="reader">Index of the cursor: a follower's is its version index, tracers' stand behind.</param>
    /// <exception cref="LogCorruptException">It isn't that log, or damaged.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">It can't be mapped.</exception>
    public static LogReader Open(SessionMemory memory, int version, int slot, ulong generation, int reader)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)version, MvAbi.Versions);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, MvAbi.MaxThreads);
        if ((uint)reader >= MvAbi.MaxReaders) throw new LogCorruptException(MvLogFault.BadReader);
        var span = memory.MapLog(version, slot, out var backed) ?? throw new LogCorruptException(MvLogFault.Truncated);
        var result = new LogReader(span, version, slot, reader);
        try
        {
            Demand(LogFormat.CheckHeader(result._header, backed, version, slot, generation));
            result._limit = Math.Min(result._header->Limit, backed);
            result.Start();
            return result;
        }
        catch
        {
            result._disposed = true; // the cursor isn't ours
            span.Dispose();
            throw;
        }
    }

    /// <summary>The next event; false: nothing yet. Repeatable until <see cref="Consume"/>.</summary>
    /// <exception cref="LogCorruptException">The log is damaged; says so again at every later call.</exception>
    public bool TryPeek(out EventView view)
    {
        view = default;
        var fault = Peek(out var found);
        if (fault != MvLogFault.None) throw new LogCorruptException(fault);
        if (found == null) return false;
        var inSize = found->InSize; // once: nobody else's change of it may lead out of the record
        var orderSize = found->OrderSize;
        var rest = _size - (uint)sizeof(MvEvent);
        if (inSize > rest || orderSize > rest - inSize) throw new LogCorruptException(MvLogFault.BadPayload);
        view = new EventView(found, inSize, rest - inSize - orderSize, orderSize);
        return true;
    }

    /// <summary>Done with the peeked event: the writer may reuse its memory.</summary>
    public void Consume()
    {
        _position += _size;
        _bytes += _size;
        _sequence++;
        _size = 0;
        _cursor->Sequence = _sequence;
        _cursor->Bytes = _bytes;
        Volatile.Write(ref _cursor->Position, _position);
    }

    /// <summary>Gives the cursor up, so that the writer no longer keeps anything for this reader.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        // A log that was begun anew, for another session or thread, has made this cursor its next reader's.
        if (IsCurrent)
        {
            Sleepers.And(~(1u << _index));
            Volatile.Write(ref _cursor->Active, (uint)MvCursorState.Unused);
        }

        DisposeStop();
        _span.Dispose();
    }

    private void Start()
    {
        Volatile.Write(ref _cursor->Owner, (uint)Environment.ProcessId);
        if (Volatile.Read(ref _cursor->Active) != (uint)MvCursorState.Active)
        {
            Join();
            return;
        }

        _position = _cursor->Position;
        _sequence = _cursor->Sequence;
        _bytes = _cursor->Bytes;
        _published = _position; // so that the first peek looks
        Demand(Look());
        if (!LogFormat.IsOffset(_position, _high)) throw new LogCorruptException(MvLogFault.BadCursor);
    }

    /// <summary>A cursor on a running log. The writer's collector fences between `published` and the cursors, as
    /// this does between the cursor and `published`; so one of the two sees the other (chunks.c).</summary>
    private void Join()
    {
        _joining = true;
        Volatile.Write(ref _cursor->Active, (uint)MvCursorState.Unused);
        while (true)
        {
            Demand(Look());
            _position = _published;
            _sequence = Volatile.Read(ref _header->Sequence);
            _bytes = Volatile.Read(ref _header->Bytes);
            _cursor->Sequence = _sequence;
            _cursor->Bytes = _bytes;
            Volatile.Write(ref _cursor->Position, _position);
            Volatile.Write(ref _cursor->Active, (uint)MvCursorState.Joining);
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref _header->Published) == _position && Volatile.Read(ref _header->Sequence) == _sequence) break;
            Volatile.Write(ref _cursor->Active, (uint)MvCursorState.Unused);
        }

        Volatile.Write(ref _cursor->Active, (uint)MvCursorState.Active);
    }

    /// <summary>Takes in how far the writer is. What is read after `published` is at least as new as it.</summary>
    private MvLogFault Look()
    {
        var published = Volatile.Read(ref _header->Published);
        var high = Volatile.Read(ref _header->High);
        var sequence = Volatile.Read(ref _header->Sequence);
        if (high > _limit || high <= MvAbi.LogData || high % MvAbi.LogChunk != 0) return MvLogFault.BadHigh;
        if (published < MvAbi.LogData || published > high || published % 8 != 0) return MvLogFault.BadPublished;
        if (!_joining && sequence < _sequence + (published != _position ? 1u : 0u)) return MvLogFault.Backwards;
        _published = published;
        _high = high;
        return MvLogFault.None;
    }

    private MvLogFault Peek(out MvEvent* found)
    {
        found = null;
        if (_position == _published)
        {
            var fault = Look();
            if (fault != MvLogFault.None || _position == _published) return fault;
        }

        if (!LogFormat.IsOffset(_position, _high)) return MvLogFault.BadOffset;
        var at = _position;
        var wrong = CheckAt(at);
        if (wrong == MvLogFault.None && LogFormat.IsJump(_base + at))
        {
            var target = ((MvEvent*)(_base + at))->Args[0];
            if (!LogFormat.IsJumpTarget((MvEvent*)(_base + at), target, at, _high)) return MvLogFault.BadJump;
            wrong = CheckAt(target);
            if (wrong == MvLogFault.None && LogFormat.IsJump(_base + target)) wrong = MvLogFault.BadJump;
            at = target;
        }

        if (wrong != MvLogFault.None) return wrong;
        found = (MvEvent*)(_base + at);
        _position = at;
        _joining = false;
        _sequence = found->Sequence;
        _size = found->Size;
        return MvLogFault.None;
    }

    private MvLogFault CheckAt(ulong at) => LogFormat.CheckRecord((MvEvent*)(_base + at), _high - at, _sequence, _joining);

    private static void Demand(MvLogFault fault)
    {
        if (fault != MvLogFault.None) throw new LogCorruptException(fault);
    }
}
