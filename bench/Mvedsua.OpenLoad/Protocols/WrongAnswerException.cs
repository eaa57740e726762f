using System.Globalization;
using System.Text;

namespace Mvedsua.OpenLoad.Protocols;

/// <summary>The message tells what was asked, what had to come and what came.</summary>
internal sealed class WrongAnswerException(string message) : Exception(message)
{
    private const int Shown = 64;

    /// <summary>An answer that is wrong somewhere.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="number">Of the request on its connection, from 1.</param>
    /// <param name="right">So many bytes are as expected.</param>
    internal static WrongAnswerException Create(string request, long number, int right, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> got)
    {
        // Shown from the beginning, or from a little before what is wrong.
        var from = right < Shown / 2 ? 0 : right - Shown / 4;
        var place = from == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" from its byte {from} on");
        return new WrongAnswerException(string.Create(CultureInfo.InvariantCulture,
            $"{request} (request {number} of its connection) must be answered{place} by '{Show(expected[from..])}', and was by '{Show(got[from..])}'"));
    }

    /// <summary>The first bytes, on one line: what is not printable ASCII as \r, \n or \xNN.</summary>
    internal static string Show(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var b in bytes[..Math.Min(bytes.Length, Shown)])
        {
            _ = b switch
            {
                (byte)'\r' => text.Append("\\r"),
                (byte)'\n' => text.Append("\\n"),
                >= 0x20 and < 0x7f => text.Append((char)b),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}"),
            };
        }

        return bytes.Length > Shown ? text.Append(CultureInfo.InvariantCulture, $"… ({bytes.Length} bytes)").ToString() : text.ToString();
    }
}
