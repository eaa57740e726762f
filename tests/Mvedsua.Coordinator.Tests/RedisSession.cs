using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A session with redis-server in it, and a client's connection to that.</summary>
internal sealed class RedisSession : IAsyncDisposable
{
    private readonly TcpClient _client = new();
    private StreamReader _replies = null!;

    private RedisSession(LiveSession session, int port) => (Session, Port) = (session, port);

    internal LiveSession Session { get; }

    internal string Name => Session.Name;

    internal int Port { get; }

    /// <summary>Started with these options of `mvedsua run`, and connected.</summary>
    internal static Task<RedisSession> Start(params string[] options) => Start(options, []);

    internal static Task<RedisSession> Start(string[] options, string[] settings) => Start([], options, settings);

    /// <summary>Started by a shell script, which is given the server's command line.</summary>
    internal static Task<RedisSession> StartBy(string[] options, string script) => Start(["/bin/sh", "-c", script, "sh"], options, []);

    private static async Task<RedisSession> Start(string[] starter, string[] options, string[] settings)
    {
        int port = FreePort();
        LiveSession session = LiveSession.Start(Installation.Real, options,
            [.. starter, "/usr/bin/redis-server", "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--dir", Installation.Folder, .. settings]);
        await session.LineWith("Ready to accept connections");
        var redis = new RedisSession(session, port);
        await redis._client.ConnectAsync(IPAddress.Loopback, port);
        redis._replies = new StreamReader(redis._client.GetStream(), Encoding.ASCII);
        return redis;
    }

    internal async Task Send(string command) => await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"));

    /// <summary>Sends a command and returns the first line of the reply.</summary>
    internal async Task<string> Ask(string command)
    {
        await Send(command);
        return await Line();
    }

    /// <summary>The next line of a reply.</summary>
    internal async Task<string> Line() => (await _replies.ReadLineAsync().WaitAsync(LiveSession.Patience))!;

    /// <summary>A field of INFO.</summary>
    internal async Task<string> Info(string section, string field)
    {
        int left = int.Parse((await Ask($"INFO {section}"))[1..], System.Globalization.CultureInfo.InvariantCulture);
        string? value = null;
        while (left > 0)
        {
            string line = await Line();
            left -= line.Length + 2;
            if (line.StartsWith(field + ":", StringComparison.Ordinal)) value = line[(field.Length + 1)..];
        }
        await Line();
        return value ?? throw new InvalidOperationException($"INFO {section} has no {field}");
    }

    /// <summary>redis-benchmark with these options.</summary>
    internal async Task Load(params string[] options)
    {
        Result load = await Result.Of("redis-benchmark", ["-p", $"{Port}", "-q", .. options]);
        Assert.True(load.Status == 0, load.Errors);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return Session.DisposeAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
