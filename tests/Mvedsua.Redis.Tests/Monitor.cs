using System.Collections.Concurrent;
using System.Net.Sockets;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>A client that is shown every command, read by a thread of its own. Those of one connection must be all that it has sent, in their order.</summary>
internal sealed class Monitor : IDisposable
{
    private readonly RespClient _client;
    private readonly ConcurrentQueue<string[]> _sent;
    private volatile int _port;
    private volatile string? _wrong;
    private int _shown;

    /// <param name="client">Becomes the one that is shown them.</param>
    /// <param name="sent">What the connection sends; filled by it, emptied here.</param>
    internal Monitor(RespClient client, ConcurrentQueue<string[]> sent)
    {
        (_client, _sent) = (client, sent);
        client.Expect("+OK\r\n", "MONITOR");
        new Thread(Read) { IsBackground = true, Name = "monitor" }.Start();
    }

    internal int Port => _client.LocalPort;

    /// <summary>Which connection's commands are compared, before its first one.</summary>
    internal void Compares(int port) => _port = port;

    /// <summary>Waits until all is shown that the connection has sent so far; nothing else was.</summary>
    /// <returns>How many commands.</returns>
    internal int HasShownAll()
    {
        Host.Until(() => _sent.IsEmpty || _wrong is not null, "MONITOR shows what was sent", 60);
        Assert.Null(_wrong);
        return _shown;
    }

    /// <summary>It is shown commands up to now.</summary>
    internal void IsInStep()
    {
        int shown = Volatile.Read(ref _shown);
        Host.Until(() => Volatile.Read(ref _shown) > shown + 100 || _wrong is not null, "MONITOR shows more", 60);
        Assert.Null(_wrong);
    }

    private void Read()
    {
        try
        {
            while (_wrong is null)
            {
                string line = _client.Read();
                int at = line.IndexOf($":{_port}] ", StringComparison.Ordinal);
                if (_port == 0 || at < 0) continue;
                string shown = line[(line.IndexOf(']', at) + 2)..^2];
                string expected = _sent.TryDequeue(out string[]? command) ? string.Join(' ', command.Select(Quoted)) : "nothing";
                if (shown != expected) _wrong = $"after {_shown} commands: sent was {RespClient.Shorten(expected)}, MONITOR shows {RespClient.Shorten(shown)}";
                Interlocked.Increment(ref _shown);
            }
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException or ObjectDisposedException)
        {
            _wrong = e.Message;
        }
    }

    private static string Quoted(string word) => $"\"{word.Replace("\"", "\\\"")}\"";

    public void Dispose() => _client.Dispose();
}
