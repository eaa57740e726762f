using System.Net;
using System.Net.Sockets;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Update.Tests.Servers;

/// <summary>A Redis that stops where it waits for events when a test wants it, and is updated there. Its helper threads stay in the old
/// code, which is overwritten: nothing may wake them.</summary>
internal sealed class LiveRedis : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly LiveProgram _program;
    private readonly int _port = FreePort();

    internal LiveRedis(string path, params string[] arguments)
    {
        var library = _bench.CompileAgentLibrary("wait.c");
        _program = new LiveProgram(path, new Dictionary<string, string> { ["LD_PRELOAD"] = library },
            ["--port", $"{_port}", "--dir", _bench.Folder, "--logfile", LogPath, "--save", "", "--enable-debug-command", "yes", .. arguments]);
        _program.GoOn();
    }

    /// <summary>Where it keeps its files.</summary>
    internal string Folder => _bench.Folder;

    private string LogPath => _bench.PathOf("redis.log");

    internal RespClient Connect() => new(_port);

    /// <summary>The server goes on in another version, as the description says.</summary>
    internal UpdateOutcome Update(string path, string description)
    {
        _program.Stop();
        var outcome = _program.Update(path, description);
        _program.GoOn(Assert.Single(outcome.Steps));
        return outcome;
    }

    /// <summary>Runs what a client does; when that fails, it is told what became of the server.</summary>
    internal void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is SocketException or IOException or Xunit.Sdk.IAssertionException)
        {
            Assert.Fail($"{e.Message}\n{_program.Fate()}\n{File.ReadAllText(LogPath)}");
        }
    }

    public void Dispose()
    {
        _program.Dispose();
        _bench.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
