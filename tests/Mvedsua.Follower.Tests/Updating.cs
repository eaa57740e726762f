using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>A `mvedsua update` that goes on while a test does other things.</summary>
internal sealed class Updating : IDisposable
{
    private readonly RedisUnderMvedsua _server;
    private readonly Process _process;
    private readonly Task<string> _output, _errors;

    internal Updating(RedisUnderMvedsua server, string program, string description, params string[] options)
    {
        _server = server;
        var start = new ProcessStartInfo(Path.Combine(Host.Products, "mvedsua"), ["update", RedisUnderMvedsua.Name, "--to", program, "--description", description, .. options])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = server.Folder,
        };
        start.Environment["XDG_RUNTIME_DIR"] = server.Folder;
        _process = Process.Start(start)!;
        _process.StandardInput.Close();
        (_output, _errors) = (_process.StandardOutput.ReadToEndAsync(), _process.StandardError.ReadToEndAsync());
    }

    internal bool IsOver => _process.HasExited;

    /// <summary>Waits until it is in one of these steps; "promoted": and the old version checks the new one.</summary>
    internal void Is(params string[] steps) => Host.Until(() =>
    {
        if (IsOver) Assert.Fail($"it is over: {_output.Result}{_errors.Result}");
        string step = LiveUpdates.Step(_server, out bool isTimed);
        return steps.Contains(step) && (step != "promoted" || isTimed);
    }, $"the update is {string.Join(" or ", steps)}");

    internal void Interrupt() => Host.Kill(_process.Id, 2);

    internal Host.Result Outcome()
    {
        Assert.True(_process.WaitForExit(90_000), $"the update goes on; {_server.History}");
        TestContext.Current.TestOutputHelper?.WriteLine($"update: {_process.ExitCode}\n{_output.Result}{_errors.Result}");
        return new Host.Result(_process.ExitCode, _output.Result, _errors.Result);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
