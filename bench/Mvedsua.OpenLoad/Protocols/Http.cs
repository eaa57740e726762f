namespace Mvedsua.OpenLoad.Protocols;

/// <summary>HTTP/1.1, kept alive: GET of /check, a file that holds the alphabet over and over, 4096 bytes.</summary>
internal sealed class Http : IConversation
{
    private const int LongestHeader = 8192;
    private static readonly byte[] _page = [.. Enumerable.Range(0, 4096).Select(i => (byte)('a' + i % 26))];
    private long _read;

    public int Greetings => 0;

    private static ReadOnlySpan<byte> Request => "GET /check HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8;

    public int Write(Span<byte> to)
    {
        Request.CopyTo(to);
        return Request.Length;
    }

    public int Read(ReadOnlySpan<byte> got)
    {
        var answer = new Answer(got, "GET /check", _read + 1);
        if (!answer.Take("HTTP/1.1 200 OK\r\n"u8)) return 0;
        TakeHeader(ref answer);
        if (!answer.Take(_page)) return 0;
        _read++;
        return answer.Length;
    }

    /// <summary>Its lines may be any, but must give the page's length: without, the page's end is not to be known.</summary>
    private static void TakeHeader(ref Answer answer)
    {
        var sized = false;
        for (var header = answer.Rest; ;)
        {
            var line = header.IndexOf("\r\n"u8);
            if (answer.Rest.Length - header.Length + Math.Max(line, 0) > LongestHeader || (line < 0 && header.Length > LongestHeader)) throw answer.Wrong("a header of at most 8192 bytes"u8);
            if (line < 0)
            {
                answer.Await();
                return;
            }

            if (line == 0)
            {
                if (!sized) throw answer.Wrong("a header with Content-Length"u8);
                answer.Skip(answer.Rest.Length - header.Length + 2);
                return;
            }

            sized |= IsLength(header[..line], ref answer);
            header = header[(line + 2)..];
        }
    }

    private static bool IsLength(ReadOnlySpan<byte> line, ref Answer answer)
    {
        var name = "Content-Length:"u8;
        if (line.Length < name.Length || !System.Text.Ascii.EqualsIgnoreCase(line[..name.Length], name)) return false;
        return line[name.Length..].Trim((byte)' ').SequenceEqual("4096"u8) ? true : throw answer.Wrong("a header with Content-Length: 4096"u8);
    }
}
