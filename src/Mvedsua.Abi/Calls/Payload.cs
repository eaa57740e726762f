using System.Buffers.Binary;

namespace Mvedsua.Abi.Calls;

/// <summary>One segment of a payload (native/include/mvedsua/payload.h).</summary>
public readonly ref struct PayloadSegment
{
    internal PayloadSegment(int argument, SegmentRole role, bool lax, int message, ReadOnlySpan<byte> bytes)
    {
        Argument = argument;
        Role = role;
        IsLax = lax;
        Message = message;
        Bytes = bytes;
    }

    /// <summary>Index of the argument.</summary>
    public int Argument { get; }

    /// <summary>What the bytes are within the argument.</summary>
    public SegmentRole Role { get; }

    /// <summary>The kernel does not mind when these bytes can't be written.</summary>
    public bool IsLax { get; }

    /// <summary>Which message of sendmmsg or recvmmsg; else 0.</summary>
    public int Message { get; }

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Bytes { get; }
}

/// <summary>
/// Walks over a payload's segments: <c>foreach (var segment in new Payload(bytes))</c>. Ends early at a header that does not
/// fit, as it may in a damaged log; <see cref="IsComplete"/> tells. Of a payload that was cut off, the last segment may be had as far as
/// it is there.
/// </summary>
public ref struct Payload
{
    private const int HeaderSize = 8;
    private const byte LaxBit = 0x80;

    private readonly bool _isCut;
    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts before the first segment.</summary>
    /// <param name="bytes">The payload.</param>
    /// <param name="isCut">The last segment may be cut off.</param>
    public Payload(ReadOnlySpan<byte> bytes, bool isCut = false)
    {
        _rest = bytes;
        _isCut = isCut;
    }

    /// <summary>The segment reached.</summary>
    public PayloadSegment Current { get; private set; }

    /// <summary>Everything up to the end has been read.</summary>
    public readonly bool IsComplete => _rest.IsEmpty;

    /// <summary>This walker itself, for foreach.</summary>
    public readonly Payload GetEnumerator() => this;

    /// <summary>Goes to the next segment.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < HeaderSize) return false;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_rest);
        var span = HeaderSize + ((long)length + 7 & ~7L);
        if (span > _rest.Length)
        {
            if (!_isCut) return false;
            span = _rest.Length;
            length = (uint)Math.Min(length, span - HeaderSize);
        }
        var how = _rest[5];
        Current = new(_rest[4], (SegmentRole)(how & ~LaxBit), (how & LaxBit) != 0,
            BinaryPrimitives.ReadUInt16LittleEndian(_rest[6..]), _rest.Slice(HeaderSize, (int)length));
        _rest = _rest[(int)span..];
        return true;
    }
}
