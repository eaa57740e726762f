using System.Buffers.Binary;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>The bytes of an image's loaded segments, as they come from the file and are then relocated. Addresses are as linked.</summary>
internal sealed class ImageBytes
{
    private readonly List<(ElfSegment Segment, byte[] Bytes)> _segments = [];

    internal ImageBytes(ElfFile file)
    {
        foreach (var segment in file.Segments.Where(s => s.Type == ElfLayout.Load)) _segments.Add((segment, file.BytesOf(segment).ToArray()));
    }

    internal IReadOnlyList<(ElfSegment Segment, byte[] Bytes)> Segments => _segments;

    /// <summary>Bytes that come from the file, to be changed in place.</summary>
    /// <exception cref="UpdateRefusedException">They don't all come from the file.</exception>
    internal Span<byte> At(ulong address, int length)
    {
        foreach (var (segment, bytes) in _segments)
        {
            if (address >= segment.Address && address - segment.Address <= (ulong)bytes.Length
                && (ulong)length <= (ulong)bytes.Length - (address - segment.Address))
                return bytes.AsSpan((int)(address - segment.Address), length);
        }

        throw new UpdateRefusedException($"a relocation concerns {address:x}, which is not in the file: it is damaged");
    }

    internal void SetWord(ulong address, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(At(address, 8), value);

    /// <summary>A copy of a piece of the image, zero where the file has no bytes for it.</summary>
    internal byte[] Copy(ulong address, int length)
    {
        var copy = new byte[length];
        foreach (var (segment, bytes) in _segments)
        {
            var start = Math.Max(address, segment.Address);
            var end = Math.Min(address + (ulong)length, segment.Address + (ulong)bytes.Length);
            if (start < end) bytes.AsSpan((int)(start - segment.Address), (int)(end - start)).CopyTo(copy.AsSpan((int)(start - address)));
        }

        return copy;
    }
}
