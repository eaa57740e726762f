using System.Buffers.Binary;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Calls.Tests;

/// <summary>Builds payloads by hand, for events that no program made.</summary>
internal sealed class PayloadBuilder
{
    private readonly List<byte> _bytes = [];

    internal byte[] Bytes => [.. _bytes];

    internal PayloadBuilder Add(int argument, ReadOnlySpan<byte> bytes, SegmentRole role = SegmentRole.Bytes, int message = 0)
    {
        Span<byte> header = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)bytes.Length);
        header[4] = (byte)argument;
        header[5] = (byte)role;
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)message);
        _bytes.AddRange(header);
        _bytes.AddRange(bytes);
        while (_bytes.Count % 8 != 0) _bytes.Add(0);
        return this;
    }

    internal PayloadBuilder Text(int argument, string text) => Add(argument, System.Text.Encoding.Latin1.GetBytes(text + "\0"));

    internal PayloadBuilder Words(int argument, params int[] words)
    {
        var bytes = new byte[words.Length * 4];
        for (var i = 0; i < words.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * 4), words[i]);
        return Add(argument, bytes);
    }

    internal PayloadBuilder Longs(int argument, params long[] words)
    {
        var bytes = new byte[words.Length * 8];
        for (var i = 0; i < words.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * 8), words[i]);
        return Add(argument, bytes);
    }
}
