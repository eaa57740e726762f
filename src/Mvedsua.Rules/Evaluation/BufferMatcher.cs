using System.Buffers;
using System.Globalization;
using Mvedsua.Rules.Checking;

namespace Mvedsua.Rules.Evaluation;

/// <summary>
/// Matches a buffer against its parts, from the left, without going back: a capture without a value ends at the first place
/// where the text behind it stands; the text at the very end of a pattern is looked for at the very end of the buffer. So a
/// match takes time linear in buffer and pattern.
/// </summary>
internal static class BufferMatcher
{
    /// <summary>Whether the buffer is made of these parts. Captures get their values also where it is not: use a copy.</summary>
    internal static bool Match(ReadOnlySpan<byte> buffer, IReadOnlyList<Part> parts, Bindings bindings)
    {
        var at = 0;
        for (var i = 0; i < parts.Count; i++)
        {
            if (IsOpen(parts[i], bindings))
            {
                var capture = (CapturePart)parts[i];
                var run = Run(parts, i + 1, bindings);
                if (End(buffer, at, capture.Class, parts, i + 1, run, bindings) is not { } end) return false;
                var value = buffer[at..end];
                if (!ByteClasses.Holds(capture.Class, value)) return false;
                if (capture.Slot >= 0) bindings[capture.Slot] = new(0, value.ToArray());
                at = end;
                continue;
            }
            if (!StartsWith(buffer[at..], parts[i], bindings, out var length)) return false;
            at += length;
        }
        return at == buffer.Length;
    }

    private static bool IsOpen(Part part, Bindings bindings) =>
        part is CapturePart capture && (capture.Slot < 0 || bindings[capture.Slot] is null);

    /// <summary>How many parts from here on are text, up to the next open capture or the end.</summary>
    private static int Run(IReadOnlyList<Part> parts, int from, Bindings bindings)
    {
        var count = 0;
        while (from + count < parts.Count && !IsOpen(parts[from + count], bindings)) count++;
        return count;
    }

    private static int? End(ReadOnlySpan<byte> buffer, int at, ByteClass class_, IReadOnlyList<Part> parts, int from, int run, Bindings bindings)
    {
        var least = at + ByteClasses.Least(class_);
        if (run == 0) return from == parts.Count ? buffer.Length : null;
        var length = 0;
        for (var i = from; i < from + run; i++)
        {
            if (bindings.BytesOf(parts[i]) is not { } bytes) return null;
            length += bytes.Length;
        }
        if (from + run == parts.Count)
        {
            var start = buffer.Length - length;
            return start >= least ? start : null;
        }
        for (var place = least; place + length <= buffer.Length; place++)
            if (StandsAt(buffer, place, parts, from, run, bindings)) return place;
        return null;
    }

    private static bool StandsAt(ReadOnlySpan<byte> buffer, int place, IReadOnlyList<Part> parts, int from, int run, Bindings bindings)
    {
        for (var i = from; i < from + run; i++)
        {
            if (!StartsWith(buffer[place..], parts[i], bindings, out var length)) return false;
            place += length;
        }
        return true;
    }

    private static bool StartsWith(ReadOnlySpan<byte> buffer, Part part, Bindings bindings, out int length)
    {
        length = 0;
        if (bindings.BytesOf(part) is not { } bytes || bytes.Length > buffer.Length) return false;
        length = bytes.Length;
        if (part is not TextPart { IgnoresCase: true }) return buffer[..length].SequenceEqual(bytes);
        for (var i = 0; i < length; i++)
            if (Lower(buffer[i]) != Lower(bytes[i])) return false;
        return true;
    }

    private static byte Lower(byte b) => b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}

/// <summary>What the classes of bytes are.</summary>
internal static class ByteClasses
{
    private static readonly SearchValues<byte> White = SearchValues.Create(" \t\r\n\v\f"u8);
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    /// <summary>Bytes that there are in any case.</summary>
    internal static int Least(ByteClass class_) => class_ is ByteClass.Any or ByteClass.Line ? 0 : 1;

    internal static bool Holds(ByteClass class_, ReadOnlySpan<byte> bytes) => bytes.Length >= Least(class_) && class_ switch
    {
        ByteClass.Any => true,
        ByteClass.Line => bytes.IndexOfAny((byte)'\r', (byte)'\n') < 0,
        ByteClass.Word => !bytes.ContainsAny(White),
        ByteClass.Digits => !bytes.ContainsAnyExceptInRange((byte)'0', (byte)'9'),
        ByteClass.Number => TryNumber(bytes, out _),
        _ => !bytes.ContainsAnyExcept(HexDigits),
    };

    /// <summary>Digits, or - and digits, of a 64-bit number; nothing before or behind.</summary>
    internal static bool TryNumber(ReadOnlySpan<byte> bytes, out long number)
    {
        number = 0;
        var digits = bytes is [(byte)'-', ..] ? bytes[1..] : bytes;
        return digits.Length > 0 && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            && long.TryParse(bytes, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }
}
