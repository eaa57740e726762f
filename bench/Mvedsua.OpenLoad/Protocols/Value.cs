using System.Globalization;
using System.Text.Unicode;

namespace Mvedsua.OpenLoad.Protocols;

/// <summary>The values that are stored. Each is another one, and of another length than the one before.</summary>
internal static class Value
{
    /// <summary>No value is longer.</summary>
    internal const int Longest = 128;

    private const int Lengths = 64;

    /// <summary>Writes the value of this number; its length.</summary>
    internal static int Write(Span<byte> to, int connection, long number)
    {
        var length = Text.Write(to, $"value {connection}.{number} ");
        var tail = (int)(number % Lengths);
        to.Slice(length, tail).Fill((byte)('a' + number % 26));
        return length + tail;
    }
}

/// <summary>Text in ASCII, without an allocation.</summary>
internal static class Text
{
    internal static int Write(Span<byte> to, [System.Runtime.CompilerServices.InterpolatedStringHandlerArgument(nameof(to))] ref Utf8.TryWriteInterpolatedStringHandler text) =>
        Utf8.TryWrite(to, CultureInfo.InvariantCulture, ref text, out var length) ? length : throw new ArgumentException("no room for the text", nameof(to));
}
