using System.Runtime.InteropServices;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Events;

namespace Mvedsua.Coordinator.Reports;

/// <summary>A copy of one event, whole or cut at the end.</summary>
internal sealed class RecordedEvent
{
    private static readonly unsafe int HeaderSize = sizeof(MvEvent);
    private readonly byte[] _bytes;
    private readonly MvEvent _header;

    private RecordedEvent(byte[] bytes)
    {
        _bytes = bytes;
        _header = MemoryMarshal.Read<MvEvent>(bytes);
    }

    internal ushort Call => _header.Call;

    internal ulong Sequence => _header.Sequence;

    internal long Result => _header.Result;

    /// <summary>Address after the program's syscall instruction.</summary>
    internal ulong Site => _header.Site;

    internal unsafe ulong[] Arguments
    {
        get
        {
            fixed (ulong* args = _header.Args) return new ReadOnlySpan<ulong>(args, 6).ToArray();
        }
    }

    internal ReadOnlySpan<byte> InPayload => Cut(HeaderSize, _header.InSize);

    internal ReadOnlySpan<byte> OutPayload => Cut(HeaderSize + (long)_header.InSize, _header.OutSize);

    internal bool IsCut => (ulong)_bytes.Length < _header.Size;

    /// <summary>Never replayed nor compared.</summary>
    internal bool IsAllocators => (_header.Flags & (ushort)MvEventFlags.Allocator) != 0;

    /// <summary>As rules see it; null when it is no system call.</summary>
    internal CallRecord? AsRecord(int thread) => CallRecord.From(
        new CallEvent { Number = Call, Arguments = Arguments, Result = Result, InPayload = InPayload, OutPayload = OutPayload }, thread);

    /// <summary>Takes a copy of a record; null when its header is damaged or it isn't one.</summary>
    internal static unsafe RecordedEvent? From(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderSize) return null;
        var header = MemoryMarshal.Read<MvEvent>(bytes);
        bool sound = header.Check == LogChecks.OfEvent(in header) && header.Size % 8 == 0
            && header.Size == (ulong)sizeof(MvEvent) + header.InSize + header.OutSize + header.OrderSize;
        return sound ? new RecordedEvent(bytes.ToArray()) : null;
    }

    private ReadOnlySpan<byte> Cut(long start, uint length) =>
        start >= _bytes.Length ? [] : _bytes.AsSpan((int)start, (int)Math.Min(length, _bytes.Length - start));
}
