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

    internal static string[] Command(string name, params string[] arguments) => [$"{{folder}}/{name}", .. arguments, "{port}"];

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

/// <summary>One connection: a command on each line, an answer in one.</summary>
internal sealed class Line : IDisposable
{
    private readonly TcpClient _client;
    private readonly StreamReader _reader;

    internal Line(RedisUnderMvedsua server)
    {
        _client = new TcpClient("127.0.0.1", server.Port) { NoDelay = true, ReceiveTimeout = 20_000 };
        _reader = new StreamReader(_client.GetStream());
    }

    internal int Port => ((System.Net.IPEndPoint)_client.Client.LocalEndPoint!).Port;

    internal void Say(string command) => _client.GetStream().Write(System.Text.Encoding.ASCII.GetBytes(command + "\n"));

    internal void Put(string bytes) => _client.GetStream().Write(System.Text.Encoding.ASCII.GetBytes(bytes));

    /// <summary>Null: the server has closed the connection.</summary>
    internal string? Answer() => _reader.ReadLine();

    internal string? Ask(string command)
    {
        Say(command);
        return Answer();
    }

    public void Dispose() => _client.Dispose();
}
