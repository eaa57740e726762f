using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>Another process, which reads the pipe "collector" of the server outcomes.c and keeps what comes.</summary>
internal sealed class Collector : IDisposable
{
    private Process? _cat;
    private string _file = "";

    /// <summary>Before the server starts, which waits for the reader.</summary>
    internal void Prepare(RedisUnderMvedsua server)
    {
        OwnServer.Compile("outcomes")(server);
        Assert.Equal(0, Host.Run(server.Folder, "mkfifo", "collector").Status);
        _file = Path.Combine(server.Folder, "collected");
        _cat = Process.Start(new ProcessStartInfo("sh", ["-c", "exec cat collector >collected"]) { WorkingDirectory = server.Folder })!;
    }

    internal string Text => File.ReadAllText(_file);

    internal void Pauses() => Host.Kill(_cat!.Id, Host.SIGSTOP);

    internal void GoesOn() => Host.Kill(_cat!.Id, Host.SIGCONT);

    public void Dispose()
    {
        if (_cat is { HasExited: false }) _cat.Kill();
        _cat?.Dispose();
    }
}
