namespace Mvedsua.Abi;

/// <summary>One event, in place in the log: valid until it is consumed. Sizes were checked by the reader.</summary>
public readonly unsafe ref struct EventView
{
    private readonly MvEvent* _event;
    private readonly uint _inSize, _outSize, _orderSize;

    internal EventView(MvEvent* e, uint inSize, uint outSize, uint orderSize)
    {
        _orderSize = orderSize;
        _event = e;
        _inSize = inSize;
        _outSize = outSize;
    }

    /// <summary>System-call number or <see cref="MvPseudoCall"/>.</summary>
    public ushort Call => _event->Call;

    public MvEventFlags Flags => (MvEventFlags)_event->Flags;
    public ulong Sequence => _event->Sequence;
    public long Result => _event->Result;
    public ulong Site => _event->Site;
    public ulong Stamp => _event->Stamp;

    /// <summary>Whole record, payload, padding and order words included.</summary>
    public int Size => sizeof(MvEvent) + (int)_inSize + (int)_outSize + (int)_orderSize;

    public ReadOnlySpan<ulong> Args => new(_event->Args, 6);

    /// <summary>Padded to 8 bytes; encoded as payload.h says.</summary>
    public ReadOnlySpan<byte> InPayload => new((byte*)(_event + 1), (int)_inSize);

    /// <summary>Padded to 8 bytes; encoded as payload.h says.</summary>
    public ReadOnlySpan<byte> OutPayload => new((byte*)(_event + 1) + _inSize, (int)_outSize);

    /// <summary>What other threads had done before this event: MV_ORDER_WORD of shared.h.</summary>
    public ReadOnlySpan<ulong> OrderWords => new((byte*)(_event + 1) + _inSize + _outSize, (int)_orderSize / 8);

    /// <summary>Header, payloads and order words as they stand in the log.</summary>
    public ReadOnlySpan<byte> Bytes => new(_event, Size);
}
