using System.Diagnostics;
using System.Threading.Channels;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A `mvedsua run` and the server in it. Whatever still runs of it at the end is killed by its own pid.</summary>
internal sealed class LiveSession : IAsyncDisposable
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static int _count;
    private readonly string _program;
    private readonly Channel<string> _output = Channel.CreateUnbounded<string>();
    private readonly List<string> _errors = [];

    private LiveSession(string program, string name, Process process)
    {
        (_program, Name, Run) = (program, name, process);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null) _output.Writer.TryComplete();
            else _output.Writer.TryWrite(line.Data);
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors) if (line.Data is not null) _errors.Add(line.Data);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    internal string Name { get; }

    /// <summary>The process of `mvedsua run`.</summary>
    internal Process Run { get; }

    /// <summary>Asks the coordinator; never starts another one.</summary>
    internal static SessionClient Client { get; } = new((name, _) =>
        throw new Control.SessionException(ExitStatus.CoordinatorGone, $"{name} has no coordinator"));

    /// <summary>What `mvedsua run` and the server said on standard error so far.</summary>
    internal string Errors
    {
        get
        {
            lock (_errors) return string.Join('\n', _errors);
        }
    }

    /// <summary>Starts a session; it need not be up when this returns.</summary>
    internal static LiveSession Start(string program, string[] options, string[] command, params (string Name, string Value)[] environment)
    {
        string name = $"s{Interlocked.Increment(ref _count)}";
        var start = new ProcessStartInfo(program, ["run", "--name", name, .. options, "--", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Installation.Folder,
        };
        foreach ((string key, string value) in environment) start.Environment[key] = value;
        return new LiveSession(program, name, Process.Start(start)!);
    }

    /// <summary>The server's next line.</summary>
    internal async Task<string> Line()
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            return await _output.Reader.ReadAsync(limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw new InvalidOperationException($"the server says nothing more; errors:\n{Errors}", e);
        }
    }

    /// <summary>What the server said that no test has read, up to the end of its output.</summary>
    internal async Task<string> Rest() => string.Join('\n', await _output.Reader.ReadAllAsync().ToListAsync().AsTask().WaitAsync(Patience));

    /// <summary>Reads lines up to one that holds the text.</summary>
    internal async Task<string> LineWith(string text)
    {
        while (true)
        {
            string line = await Line();
            if (line.Contains(text, StringComparison.Ordinal)) return line;
        }
    }

    /// <summary>The state now.</summary>
    internal async Task<SessionStatus> Status() => await Client.StatusAsync(Name, default).WaitAsync(Patience);

    /// <summary>The first state that is as wanted.</summary>
    internal async Task<SessionStatus> Until(Func<SessionStatus, bool> wanted)
    {
        using var limit = new CancellationTokenSource(Patience);
        SessionStatus? last = null;
        try
        {
            await foreach (SessionStatus status in Client.WatchAsync(Name, limit.Token))
            {
                last = status;
                if (wanted(status)) return status;
            }
        }
        catch (OperationCanceledException)
        {
        }
        throw new InvalidOperationException($"never came to the wanted state; last: {last}; errors:\n{Errors}");
    }

    /// <summary>The first report that is as wanted: each is stored soon after the change that it is about.</summary>
    internal async Task<DivergenceReport> Report(string reason)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                DivergenceReport report = await Client.ReportAsync(Name, limit.Token);
                if (report.Reason == reason) return report;
            }
            catch (Control.SessionException e) when (e.Status == ExitStatus.NoReport)
            {
            }
            await Task.Delay(20, limit.Token);
        }
    }

    /// <summary>A verb of the command, with the session's name.</summary>
    internal Task<Result> Verb(string verb, params string[] options) => Result.Of(_program, [verb, Name, .. options]);

    internal async Task<int> Exit()
    {
        await Run.WaitForExitAsync().WaitAsync(Patience);
        return Run.ExitCode;
    }

    /// <summary>Kills the coordinator. (Its output's end can't be waited for: the server has it too.)</summary>
    internal void KillCoordinator()
    {
        Run.Kill();
        Assert.True(Run.WaitForExit(Patience));
    }

    public ValueTask DisposeAsync()
    {
        ProcessIdentity[] members = [.. SessionFile.Load(Name)?.Processes ?? []];
        if (!Run.HasExited) KillCoordinator();
        foreach (ProcessIdentity member in members.Where(m => m.IsAlive))
        {
            using Process process = Process.GetProcessById(member.Pid);
            process.Kill();
        }
        Run.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>How a finished command ended and what it said.</summary>
internal sealed record Result(int Status, string Output, string Errors)
{
    internal static async Task<Result> Of(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(LiveSession.Patience);
        return new Result(process.ExitCode, await output, await errors);
    }
}
