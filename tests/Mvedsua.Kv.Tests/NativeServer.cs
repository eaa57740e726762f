using System.Diagnostics;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>A sample server of one test, without Mvedsua: at a port that the system chose, in a folder of its own.</summary>
internal sealed class NativeServer : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    /// <param name="program">Of <see cref="KvPrograms"/>.</param>
    /// <param name="arguments">Beside the port and the log.</param>
    /// <param name="descriptors">How many it may have; 0: as many as this process.</param>
    internal NativeServer(string program, string[]? arguments = null, int descriptors = 0)
    {
        Folder = Directory.CreateTempSubdirectory("mvedsua-kv-").FullName;
        string limit = descriptors > 0 ? $"ulimit -n {descriptors}; " : "";
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"{limit}exec \"$0\" \"$@\"", program, "--port", "0", "--log", LogFile, .. arguments ?? []])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Folder,
        };
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
        string? said = _process.StandardOutput.ReadLine();
        Said = said ?? throw new InvalidOperationException($"{program} has ended: {_errors.Result}");
        Port = int.Parse(said[(said.LastIndexOf(' ') + 1)..]);
    }

    internal string Folder { get; }

    internal string LogFile => Path.Combine(Folder, "kv.log");

    /// <summary>Its first line.</summary>
    internal string Said { get; }

    internal int Port { get; }
    internal int Pid => _process.Id;
    internal string Log => File.ReadAllText(LogFile);

    internal KvLine Connect() => new(Port, 20_000);

    /// <summary>Waits for its end; its exit status, 128 more than the signal when one ended it.</summary>
    internal int Status()
    {
        Assert.True(_process.WaitForExit(20_000), "the server goes on");
        return _process.ExitCode;
    }

    /// <summary>After its end.</summary>
    internal string Errors => _errors.Result;

    /// <summary>Ends it as its operator would.</summary>
    internal int Terminate()
    {
        Host.Kill(Pid, Host.SIGTERM);
        return Status();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
