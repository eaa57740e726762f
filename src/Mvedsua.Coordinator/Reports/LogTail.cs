using System.Runtime.InteropServices;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Reports;

/// <summary>Finds events in a log that no reader keeps any more: what the writer has not yet reused is still there,
/// and every record proves itself by its check and its sequence number.</summary>
internal sealed class LogTail
{
    private static readonly unsafe int HeaderSize = sizeof(MvEvent), LogHeaderSize = sizeof(MvLogHeader);
    private const uint LargestRecord = 16 << 20; /* larger ones are shown without what lies beyond */
    private readonly SharedMemory _memory;
    private readonly ulong _base, _high;

    private LogTail(SharedMemory memory, ulong start, in MvLogHeader header)
    {
        _memory = memory;
        _base = start;
        _high = Math.Min(header.High, MvAbi.LogSpan);
        Published = header.Sequence;
        Generation = header.Generation;
    }

    /// <summary>Number of events that had been published when the log was opened.</summary>
    internal ulong Published { get; }

    /// <summary>control.log_generation when the log was begun; the next follower's leader begins it anew, from event 0 on.</summary>
    internal ulong Generation { get; }

    /// <summary>Null when that log was never begun.</summary>
    internal static LogTail? Open(SharedMemory memory, int version, int slot)
    {
        byte[] bytes = new byte[LogHeaderSize];
        ulong start = MvAbi.LogOffset(version, slot);
        if (!memory.TryCopy(start, bytes)) return null;
        var header = MemoryMarshal.Read<MvLogHeader>(bytes);
        return header.Magic == MvAbi.LogMagic ? new LogTail(memory, start, header) : null;
    }

    /// <summary>Up to <paramref name="count"/> events directly before number <paramref name="end"/>, oldest first; fewer,
    /// down to none, when older ones are gone.</summary>
    internal IReadOnlyCollection<RecordedEvent> Before(ulong end, int count)
    {
        if (end == 0) return [];
        /* Records can be walked forwards only; each chunk that is in use begins with one. */
        var heads = Heads().Where(h => h.Sequence < end).OrderByDescending(h => h.Sequence).ToList();
        int enough = heads.FindIndex(h => h.Sequence + (ulong)count <= end);
        for (int i = enough >= 0 ? enough : heads.Count - 1; i >= 0; i--)
        {
            if (Walk(heads[i].Offset, heads[i].Sequence, end, count) is { } found) return found;
        }
        return [];
    }

    private List<(ulong Offset, ulong Sequence)> Heads()
    {
        var heads = new List<(ulong, ulong)>();
        for (ulong at = MvAbi.LogData; at + MvAbi.LogChunk <= _high; at += MvAbi.LogChunk)
            if (Header(at) is { } header) heads.Add((at, header.Sequence));
        return heads;
    }

    /// <summary>The last events before <paramref name="end"/> on the way from a record to it; null: the way is broken.</summary>
    private Queue<RecordedEvent>? Walk(ulong at, ulong sequence, ulong end, int count)
    {
        var found = new Queue<RecordedEvent>();
        bool jumped = false;
        while (sequence < end)
        {
            if (Header(at) is not { } header || header.Sequence != sequence) return null;
            if (header.Call == (ushort)MvPseudoCall.Jump)
            {
                ulong target = Target(header);
                /* One jump leads to a record: more are damage, and could go round in a circle. */
                if (jumped || target % MvAbi.LogChunk != 0) return null;
                at = target;
                jumped = true;
                continue;
            }
            if (sequence + (ulong)count >= end)
            {
                byte[] bytes = new byte[Math.Min(header.Size, LargestRecord)];
                if (!_memory.TryCopy(_base + at, bytes) || RecordedEvent.From(bytes) is not { } record) return null;
                found.Enqueue(record);
            }
            at += header.Size;
            sequence++;
            jumped = false;
        }
        return found;
    }

    private static unsafe ulong Target(in MvEvent jump) => jump.Args[0];

    private MvEvent? Header(ulong at)
    {
        if (at < MvAbi.LogData || at % 8 != 0 || at + (ulong)HeaderSize > _high) return null;
        Span<byte> bytes = stackalloc byte[HeaderSize];
        if (!_memory.TryCopy(_base + at, bytes)) return null;
        var header = MemoryMarshal.Read<MvEvent>(bytes);
        return header.Check == LogChecks.OfEvent(in header) && header.Size >= HeaderSize && header.Size % 8 == 0 ? header : null;
    }
}
