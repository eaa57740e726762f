using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>One connection to Redis; replies are kept as the raw bytes that came (as Latin-1 text).</summary>
internal sealed class RespClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly MemoryStream _reply = new();
    private int _at, _end;

    internal RespClient(int port, int timeoutMs = 20_000)
    {
        _socket.ReceiveTimeout = timeoutMs;
        _socket.SendTimeout = timeoutMs;
        _socket.Connect(IPAddress.Loopback, port);
    }

    /// <summary>What tells this connection from any other.</summary>
    internal int LocalPort => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    internal void Send(params string[] arguments)
    {
        var text = new StringBuilder();
        Append(text, arguments);
        SendRaw(text.ToString());
    }

    internal static void Append(StringBuilder text, params string[] arguments)
    {
        text.Append('*').Append(arguments.Length).Append("\r\n");
        foreach (string argument in arguments) text.Append('$').Append(argument.Length).Append("\r\n").Append(argument).Append("\r\n");
    }

    internal void SendRaw(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        for (int sent = 0; sent < bytes.Length;) sent += _socket.Send(bytes.AsSpan(sent));
    }

    /// <summary>Sends one command and returns its whole raw reply.</summary>
    internal string Call(params string[] arguments)
    {
        Send(arguments);
        return Read();
    }

    /// <summary>One command whose reply must be this one.</summary>
    internal void Expect(string reply, params string[] arguments)
    {
        string got = Call(arguments);
        Assert.True(reply == got, $"{Shorten(string.Join(' ', arguments))}: expected {Shorten(reply)}, got {Shorten(got)}");
    }

    /// <summary>One command that must not be answered with an error.</summary>
    internal string Ok(params string[] arguments)
    {
        string reply = Call(arguments);
        Assert.False(reply.StartsWith('-'), $"{string.Join(' ', arguments)}: {Shorten(reply)}");
        return reply;
    }

    internal static string Bulk(string value) => $"${value.Length}\r\n{value}\r\n";

    internal static string Shorten(string text) =>
        (text.Length > 300 ? text[..300] + "…" : text).Replace("\r", "\\r").Replace("\n", "\\n");

    /// <summary>The next reply or push message, raw.</summary>
    internal string Read()
    {
        _reply.SetLength(0);
        ReadElement();
        return Encoding.Latin1.GetString(_reply.GetBuffer(), 0, (int)_reply.Length);
    }

    private void ReadElement()
    {
        int start = (int)_reply.Length;
        while (ReadByte() != '\n') { }
        byte[] bytes = _reply.GetBuffer();
        char kind = (char)bytes[start];
        if (kind is '+' or '-' or ':' or ',' or '#' or '_' or '(') return;
        int count = int.Parse(Encoding.Latin1.GetString(bytes, start + 1, (int)_reply.Length - start - 3));
        if (kind is '$' or '=')
            for (int left = count < 0 ? 0 : count + 2; left > 0;) left -= ReadSome(left);
        else
            for (int left = kind == '%' ? 2 * count : count; left > 0; left--) ReadElement();
    }

    private int ReadByte()
    {
        Fill();
        byte value = _buffer[_at++];
        _reply.WriteByte(value);
        return value;
    }

    private int ReadSome(int wanted)
    {
        Fill();
        int size = Math.Min(wanted, _end - _at);
        _reply.Write(_buffer, _at, size);
        _at += size;
        return size;
    }

    private void Fill()
    {
        if (_at < _end) return;
        _end = _socket.Receive(_buffer);
        _at = 0;
        if (_end == 0) throw new EndOfStreamException("the server closed the connection");
    }

    public void Dispose() => _socket.Dispose();
}
