using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>What the server knows of its connections. One that was made anew would have another number and another port.</summary>
internal static class Connections
{
    /// <summary>Number and address by which the server knows the clients at these ports.</summary>
    internal static string[] Of(RespClient client, IEnumerable<int> ports) =>
        [.. ports.Select(port => Line(client, port)).Select(line => string.Join(' ', line.Split(' ').Take(4)))];

    /// <summary>The line of CLIENT LIST.</summary>
    internal static string Line(RespClient client, int port) =>
        client.Ok("CLIENT", "LIST").Split('\n').SingleOrDefault(line => line.Contains($" addr=127.0.0.1:{port} "))
        ?? throw new InvalidOperationException($"the server has no connection from port {port} any more");
}

/// <summary>A client that is shown every command, read by a thread of its own.</summary>
internal sealed class Monitor : IDisposable
{
    private readonly RespClient _client;
    private readonly HashSet<string> _awaited = [];
    private volatile string? _end;

    internal Monitor(RespClient client)
    {
        _client = client;
        client.Expect("+OK\r\n", "MONITOR");
        new Thread(Read) { IsBackground = true, Name = "monitor" }.Start();
    }

    internal int Port => _client.LocalPort;

    /// <summary>Waits until it has been shown a command that is given now.</summary>
    internal void Shows(RespClient client, string marker)
    {
        string line = $"\"ECHO\" \"{marker}\"";
        lock (_awaited) _awaited.Add(line);
        client.Expect(RespClient.Bulk(marker), "ECHO", marker);
        Host.Until(() =>
        {
            lock (_awaited) return !_awaited.Contains(line) || _end is not null;
        }, $"MONITOR shows {line}", 60);
        Assert.Null(_end);
    }

    private void Read()
    {
        try
        {
            while (true)
            {
                string shown = _client.Read();
                lock (_awaited) _awaited.RemoveWhere(line => shown.Contains(line, StringComparison.Ordinal));
            }
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or EndOfStreamException or ObjectDisposedException)
        {
            _end = e.Message;
        }
    }

    public void Dispose() => _client.Dispose();
}
