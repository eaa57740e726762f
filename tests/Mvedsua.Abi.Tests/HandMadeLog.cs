using System.Runtime.InteropServices;

namespace Mvedsua.Abi.Tests;

/// <summary>A log written from C#, without any of the project's writer: an independent reading of shared.h. Chunks
/// are never reused.</summary>
internal sealed unsafe class HandMadeLog : IDisposable
{
    private readonly MappedSpan _span;
    private ulong _position = MvAbi.LogData, _sequence;

    internal HandMadeLog(SessionMemory memory, int version, int slot, ulong generation, ulong limit = MvAbi.LogSpan)
    {
        _span = MappedSpan.Map(memory.Descriptor, MvAbi.LogOffset(version, slot), MvAbi.LogSpan, writable: true);
        Header->Abi = MvAbi.AbiVersion;
        Header->RecordSize = (uint)sizeof(MvEvent);
        Header->Version = (uint)version;
        Header->Slot = (uint)slot;
        Header->Generation = generation;
        Header->Limit = limit;
        Header->Start = MvAbi.LogData;
        Header->Magic = MvAbi.LogMagic;
        Header->Check = LogChecks.OfHeader(in *Header);
        Header->Published = _position;
        Header->High = MvAbi.LogData + MvAbi.LogChunk;
    }

    internal MvLogHeader* Header => (MvLogHeader*)_span.Address;
    internal byte* Base => _span.Address;
    internal int Jumps { get; private set; }

    internal MvLogCursor* Cursor(int reader) => (MvLogCursor*)(Base + MvAbi.CursorOffset(reader));

    /// <summary>Makes a reader begin with record 0.</summary>
    internal void Expect(int reader)
    {
        *Cursor(reader) = new MvLogCursor { Position = MvAbi.LogData };
        Volatile.Write(ref Cursor(reader)->Active, (uint)MvCursorState.Active);
    }

    /// <summary>Offset of the record in the log.</summary>
    internal ulong Append(MvEvent e, ReadOnlySpan<byte> inPayload, ReadOnlySpan<byte> outPayload)
    {
        var size = (uint)(sizeof(MvEvent) + inPayload.Length + outPayload.Length);
        var end = (_position / MvAbi.LogChunk + 1) * MvAbi.LogChunk;
        if (_position + size + (uint)sizeof(MvEvent) > end)
        {
            var jump = new MvEvent { Size = (uint)sizeof(MvEvent), Call = (ushort)MvPseudoCall.Jump, Sequence = _sequence };
            jump.Args[0] = end;
            Store(jump);
            _position = end;
            Header->High = end + MvAbi.LogChunk;
            Jumps++;
        }

        var at = _position;
        e.Size = size;
        e.InSize = (uint)inPayload.Length;
        e.OutSize = (uint)outPayload.Length;
        e.Sequence = _sequence++;
        Store(e);
        inPayload.CopyTo(new Span<byte>(Base + at + sizeof(MvEvent), inPayload.Length));
        outPayload.CopyTo(new Span<byte>(Base + at + sizeof(MvEvent) + inPayload.Length, outPayload.Length));
        _position += size;
        Header->Bytes += size;
        Header->Sequence = _sequence;
        Volatile.Write(ref Header->Published, _position);
        return at;
    }

    internal MvEvent* At(ulong offset) => (MvEvent*)(Base + offset);

    /// <summary>Makes a changed record's check right again.</summary>
    internal void Reseal(ulong offset)
    {
        At(offset)->Check = 0;
        At(offset)->Check = LogChecks.OfEvent(in *At(offset));
    }

    public void Dispose() => _span.Dispose();

    private void Store(MvEvent e)
    {
        e.Check = 0;
        e.Check = LogChecks.OfEvent(in e);
        *At(_position) = e;
    }
}
