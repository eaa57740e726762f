using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>One keep-alive connection to an HTTP server: sees every byte of an answer.</summary>
internal sealed partial class HttpLine : IDisposable
{
    private readonly int _port;
    private TcpClient _client;
    private BufferedStream _stream;

    internal HttpLine(int port)
    {
        _port = port;
        (_client, _stream) = Connect();
    }

    /// <summary>`Head` is the whole head but for the date, which was checked to be the present one.</summary>
    internal sealed record Answer(int Status, string Head, byte[] Body);

    internal Answer Get(string target, string headers = "") => Ask("GET", target, null, headers);

    internal Answer Ask(string method, string target, byte[]? body = null, string headers = "")
    {
        Say(method, target, body, headers);
        return Read();
    }

    internal void Say(string method, string target, byte[]? body = null, string headers = "")
    {
        string head = $"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{(body is null ? "" : $"Content-Length: {body.Length}\r\n")}{headers}\r\n";
        _client.GetStream().Write([.. Encoding.ASCII.GetBytes(head), .. body ?? []]);
    }

    /// <summary>Reads an answer. After one that says so the connection is made anew.</summary>
    internal Answer Read()
    {
        var head = new StringBuilder();
        string line;
        do head.Append(line = Line()).Append("\r\n"); while (line.Length > 0);
        string text = head.ToString();
        byte[] body = Length().Match(text) is { Success: true } length ? Exactly(int.Parse(length.Groups[1].Value, CultureInfo.InvariantCulture))
            : text.Contains("transfer-encoding: chunked", StringComparison.OrdinalIgnoreCase) ? Chunks()
            : Rest();
        if (text.Contains("connection: close", StringComparison.OrdinalIgnoreCase))
        {
            if (_stream.ReadByte() >= 0) throw new InvalidDataException("more than the answer");
            Dispose();
            (_client, _stream) = Connect();
        }
        return new Answer(int.Parse(text[9..12], CultureInfo.InvariantCulture), Date().Replace(text, Dated), body);
    }

    public void Dispose() => _client.Dispose();

    private (TcpClient, BufferedStream) Connect()
    {
        var client = new TcpClient("127.0.0.1", _port) { NoDelay = true, ReceiveTimeout = 20_000 };
        return (client, new BufferedStream(client.GetStream(), 1 << 16));
    }

    private static string Dated(Match match)
    {
        DateTime said = DateTime.ParseExact(match.Groups[1].Value, "r", CultureInfo.InvariantCulture);
        if ((DateTime.UtcNow - said).Duration() > TimeSpan.FromSeconds(30)) throw new InvalidDataException($"an answer is dated {said:r}, at {DateTime.UtcNow:r}");
        return "Date: now\r\n";
    }

    private string Line()
    {
        var line = new StringBuilder();
        for (int b; (b = One()) != '\n';)
            if (b != '\r') line.Append((char)b);
        return line.ToString();
    }

    private int One()
    {
        int one = _stream.ReadByte();
        return one >= 0 ? one : throw new EndOfStreamException("the server closed the connection");
    }

    private byte[] Exactly(int length)
    {
        byte[] bytes = new byte[length];
        _stream.ReadExactly(bytes);
        return bytes;
    }

    private byte[] Chunks()
    {
        var body = new MemoryStream();
        for (int size; (size = int.Parse(Line(), NumberStyles.HexNumber, CultureInfo.InvariantCulture)) > 0; Line()) body.Write(Exactly(size));
        Line();
        return body.ToArray();
    }

    private byte[] Rest()
    {
        var body = new MemoryStream();
        _stream.CopyTo(body);
        Dispose();
        (_client, _stream) = Connect();
        return body.ToArray();
    }

    [GeneratedRegex(@"^content-length: (\d+)\r$", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex Length();

    [GeneratedRegex(@"^date: (.*)\r\n", RegexOptions.IgnoreCase | RegexOptions.Multiline)]
    private static partial Regex Date();
}

/// <summary>What an HTTP client asks, and what it must be answered.</summary>
internal sealed record HttpRequest(string Method, string Target, byte[]? Body, int Status, byte[] Expected, string Headers = "");
