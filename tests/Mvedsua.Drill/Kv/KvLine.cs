using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Drill.Kv;

/// <summary>One connection to the sample server: requests go out as they are, answers come line by line, as Latin-1 text. For one
/// thread at a time.</summary>
internal sealed class KvLine : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[1 << 14];
    private int _at, _end;

    /// <exception cref="SocketException">Nobody listens.</exception>
    internal KvLine(int port, int timeoutMs = 60_000)
    {
        _socket.ReceiveTimeout = timeoutMs;
        _socket.SendTimeout = timeoutMs;
        _socket.Connect(IPAddress.Loopback, port);
    }

    internal Socket Socket => _socket;

    /// <summary>Sends the bytes of the text; what they mean is the caller's matter.</summary>
    internal void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    internal void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Nothing more is sent; answers still come.</summary>
    internal void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>The next line, its newline left out.</summary>
    /// <exception cref="EndOfStreamException">The server has closed the connection.</exception>
    internal string Read()
    {
        var line = new MemoryStream();
        while (true)
        {
            if (_at == _end)
            {
                _at = 0;
                _end = _socket.Receive(_buffer);
                if (_end == 0) throw new EndOfStreamException("the server closed the connection");
            }
            int newline = Array.IndexOf(_buffer, (byte)'\n', _at, _end - _at);
            int end = newline < 0 ? _end : newline;
            line.Write(_buffer, _at, end - _at);
            _at = newline < 0 ? end : end + 1;
            if (newline >= 0) return Encoding.Latin1.GetString(line.GetBuffer(), 0, (int)line.Length);
        }
    }

    internal string Ask(string request)
    {
        Send(request + "\n");
        return Read();
    }

    /// <summary>The lines of an answer that END ends, which is left out.</summary>
    internal List<string> AskAll(string request)
    {
        Send(request + "\n");
        var lines = new List<string>();
        for (string line; (line = Read()) != "END";) lines.Add(line);
        return lines;
    }

    /// <summary>Closed by the server, and nothing came before.</summary>
    internal bool IsAtEnd() => _at == _end && _socket.Receive(_buffer) == 0;

    public void Dispose() => _socket.Dispose();
}
