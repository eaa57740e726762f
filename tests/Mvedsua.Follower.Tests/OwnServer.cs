using System.Net.Sockets;

namespace Mvedsua.Follower.Tests;

/// <summary>The servers of tests/native/follower: compiled for the test, asked line by line.</summary>
internal static class OwnServer
{
    internal static Action<RedisUnderMvedsua> Compile(string name) => server =>
    {
        Host.Result gcc = Host.Run(server.Folder, "gcc", "-O2", "-Wall", "-Werror", "-pthread", "-o", name,
            Path.Combine(Host.Root, $"tests/native/follower/{name}.c"));
        Assert.True(gcc.Status == 0, gcc.Errors);
    };

    internal static string[] Command(string name) => [$"{{folder}}/{name}", "{port}"];

    /// <summary>Waits until the server listens.</summary>
    internal static void Answers(this RedisUnderMvedsua server) => Host.Until(() =>
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", server.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }, "the server answers");
}

/// <summary>One connection of lines.</summary>
internal sealed class LineClient : IDisposable
{
    private readonly TcpClient _client;
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;

    internal LineClient(int port)
    {
        _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = 20_000 };
        _reader = new StreamReader(_client.GetStream());
        _writer = new StreamWriter(_client.GetStream()) { AutoFlush = true };
    }

    internal string? Ask(string line)
    {
        _writer.Write($"{line}\n");
        return _reader.ReadLine();
    }

    public void Dispose() => _client.Dispose();
}
