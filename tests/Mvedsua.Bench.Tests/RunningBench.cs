using System.Diagnostics;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary><c>mvedsua-bench run</c> as a process, with an empty runtime directory and an empty folder for what is temporary; ended when disposed.</summary>
internal sealed class RunningBench : IDisposable
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly Folder _results = new(), _runtime = new(), _temporary = new();
    private readonly Process _process;
    private readonly Task<string> _output;

    internal RunningBench(params string[] words)
    {
        _ = Built.Paths;
        // What runs the tests may ignore SIGINT, and its children would too.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", Built.Bench, "run", .. words, "--out", _results.Path]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XDG_RUNTIME_DIR"] = _runtime.Path;
        start.Environment["TMPDIR"] = _temporary.Path;
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
    }

    internal int Pid => _process.Id;

    /// <summary>The runtime directory, and where temporary folders are made.</summary>
    internal (string Runtime, string Temporary) Places => (_runtime.Path, _temporary.Path);

    /// <summary>Until this line of progress.</summary>
    internal void AwaitProgress(string begin)
    {
        while (_process.StandardError.ReadLineAsync().WaitAsync(Patience).Result is { } line)
        {
            if (line.StartsWith(begin, StringComparison.Ordinal)) return;
        }

        Assert.Fail($"the run ended before '{begin}':\n{_output.Result}");
    }

    internal void Send(int signal) => Signals.Send(Pid, signal);

    /// <summary>Of a run that ends by itself, or was interrupted.</summary>
    internal (int Status, string Output, string Errors) End()
    {
        var errors = _process.StandardError.ReadToEndAsync();
        Assert.True(_process.WaitForExit(Patience), "the run does not end");
        return (_process.ExitCode, _output.Result, errors.Result);
    }

    internal RunFile Results() => RunFile.Read(_results.Path);

    internal string Report() => File.ReadAllText(Path.Combine(_results.Path, "report.md"));

    /// <summary>What Mvedsua and its bench have in the runtime directory and among temporary files (.NET has its own there).</summary>
    internal IEnumerable<string> Left() =>
        [.. Directory.EnumerateFileSystemEntries(_runtime.Path), .. Directory.EnumerateFileSystemEntries(_temporary.Path, "mvedsua*")];

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        foreach (var folder in new[] { _results, _runtime, _temporary }) folder.Dispose();
    }
}
