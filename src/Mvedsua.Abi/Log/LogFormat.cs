namespace Mvedsua.Abi;

/// <summary>What a header, a record and a JUMP must look like. The same decisions as native/shim/log/reader.c.</summary>
internal static unsafe class LogFormat
{
    private static readonly uint Record = (uint)sizeof(MvEvent);

    internal static MvLogFault CheckHeader(MvLogHeader* h, ulong backed, int version, int slot, ulong generation)
    {
        if (Volatile.Read(ref h->Magic) != MvAbi.LogMagic) return MvLogFault.BadMagic;
        if (h->Abi != MvAbi.AbiVersion) return MvLogFault.BadAbi;
        if (h->RecordSize != Record) return MvLogFault.BadRecordSize;
        if (h->Version != version) return MvLogFault.BadVersion;
        if (h->Slot != slot) return MvLogFault.BadSlot;
        if (h->Generation != generation) return MvLogFault.BadGeneration;
        if (h->Check != LogChecks.OfHeader(in *h)) return MvLogFault.BadHeader;
        if (h->Limit < 2 * MvAbi.LogChunk || h->Limit > MvAbi.LogSpan || h->Limit % MvAbi.LogChunk != 0) return MvLogFault.BadLimit;
        if (h->Start < MvAbi.LogData || h->Start >= h->Limit || h->Start % 8 != 0) return MvLogFault.BadStart;
        return h->Limit > backed ? MvLogFault.Truncated : MvLogFault.None;
    }

    internal static bool IsOffset(ulong offset, ulong high) =>
        offset >= MvAbi.LogData && offset % 8 == 0 && offset < high && high - offset >= Record;

    internal static bool IsJump(byte* record) => ((MvEvent*)record)->Call == (ushort)MvPseudoCall.Jump;

    internal static bool IsJumpTarget(MvEvent* jump, ulong target, ulong from, ulong high) =>
        jump->Size == Record && target % MvAbi.LogChunk == 0 && IsOffset(target, high) && target != from;

    /// <summary>Is the record whole, and the one that is due? `room`: bytes up to the end of the log in use.
    /// (The C reader takes records of more than 2 GiB; a span can't be that long.)</summary>
    internal static MvLogFault CheckRecord(MvEvent* e, ulong room, ulong sequence, bool joining)
    {
        if (e->Check != LogChecks.OfEvent(in *e)) return MvLogFault.BadCheck;
        uint size = e->Size, inSize = e->InSize, outSize = e->OutSize, orderSize = e->OrderSize;
        if (size < Record || size % 8 != 0 || size > room || size > int.MaxValue) return MvLogFault.BadSize;
        if (inSize % 8 != 0 || outSize % 8 != 0 || orderSize % 8 != 0 || orderSize > MvAbi.OrderRoom
            || (ulong)Record + inSize + outSize + orderSize != size)
        {
            return MvLogFault.BadPayload;
        }

        // Joining: `sequence` was loaded beside `published`; the writer may have been between its two stores.
        var due = e->Sequence == sequence || (joining && e->Sequence + 1 == sequence);
        return due ? MvLogFault.None : MvLogFault.BadSequence;
    }
}
