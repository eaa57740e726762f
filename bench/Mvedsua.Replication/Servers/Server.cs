using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>One server on a port that the system chose, with a folder of its own; ended when disposed, and the folder with it. The folder is also the runtime
/// directory of its session, whose control socket, file and reports would else stay in the user's.</summary>
internal sealed class Server : IDisposable
{
    /// <summary>Where mvedsua keeps its sessions.</summary>
    private const string RuntimeDirectory = "XDG_RUNTIME_DIR";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static int _sessions;

    private readonly Paths _paths;
    private readonly Process _process = new() { EnableRaisingEvents = true };
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mvedsua-bench-");
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<TimeSpan> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<TimeSpan> _takenOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _inStep = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(string Text, TaskCompletionSource<string> Found)> _awaited = [];
    private readonly string? _readyLine;
    private readonly long _begin;
    private readonly bool _started;
    private int _notInStep;

    /// <param name="paths">The programs.</param>
    /// <param name="mode">How it is run.</param>
    /// <param name="recipe">The server.</param>
    /// <param name="followers">How many follow when any do; 0: none ever does.</param>
    /// <param name="logLimit">Of a session: the most memory of its logs; null: the command's own limit.</param>
    internal Server(Paths paths, Mode mode, Recipe recipe, int followers = 1, string? logLimit = null)
    {
        Followers = _notInStep = followers;
        _paths = paths;
        Mode = mode;
        _readyLine = recipe.ReadyLine;
        Port = FreePort();
        Session = $"bench-{Environment.ProcessId}-{Interlocked.Increment(ref _sessions)}";
        _process.Exited += (_, _) => _exited.TrySetResult();
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        try
        {
            Interruption.ThrowIfRequested();
            var command = recipe.Command(Port, _directory.FullName);
            if (recipe.Protocol.Length > 0) Note(command[0]);
            _process.StartInfo = StartInfo(command, logLimit);
            _begin = Stopwatch.GetTimestamp();
            _started = _process.Start();
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            if (_readyLine is null) AwaitConnection();
            if (!Await(_ready.Task)) throw new BenchException($"{recipe.Name} ({mode}) did not get ready:\n{_output}");
            if (mode != Mode.Follower) return;
            if (!Await(_inStep.Task)) throw new BenchException($"not every follower of {recipe.Name} got in step:\n{_output}");
            var status = Status();
            FirstLeader = status.Leader;
            if (status.Followers.Count != followers) throw new BenchException($"{recipe.Name} has {status.Followers.Count} of {followers} followers:\n{_output}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal Mode Mode { get; }
    internal bool IsSession => Mode is Mode.Follower or Mode.Session;
    internal int Port { get; }
    internal string Session { get; }
    internal int FirstLeader { get; }

    /// <summary>How many follow when any do.</summary>
    internal int Followers { get; }

    /// <summary>From the start of the first process until the server was ready.</summary>
    internal TimeSpan StartUp => _ready.Task.Result;

    /// <summary>After the leader was killed: from the notice of its death until the follower leads.</summary>
    internal TimeSpan TakenOver => _takenOver.Task.Wait(_patience) ? _takenOver.Task.Result : throw new BenchException($"no follower took over:\n{_output}");

    /// <summary>The server that answers, or leads.</summary>
    internal int Pid => IsSession ? Status().Leader : _process.Id;

    internal SessionState Status() => SessionState.Parse(Do("status", "--json"));

    /// <summary>Why the last follower ended.</summary>
    internal string Report() => Do("report");

    /// <summary>One of the command's verbs for this session; what it prints.</summary>
    internal string Do(string verb, params string[] options) =>
        Programs.Run(_paths.Command, [verb, Session, .. options], (RuntimeDirectory, _directory.FullName));

    /// <summary>A version that is measured.</summary>
    internal void Note(string program) => _paths.Log.Measured(ServerVersion.Of(_paths, program));

    /// <summary>The next line, of the server or the coordinator, that has this text: ask before its cause.</summary>
    internal Task<string> NextLine(string text)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_output) _awaited.Add((text, found));
        return found.Task.WaitAsync(_patience);
    }

    /// <summary>All processes by role, now.</summary>
    internal Roles Roles()
    {
        if (!IsSession) return new Roles(_process.Id, [], null, null);
        var status = Status();
        if (Followers > 0 && status.Follower is null) throw new BenchException($"the follower is gone:\n{Report()}");
        // What else has the coordinator for its parent is the leader's keeper (CLONE_PARENT).
        var keeper = ProcessTree.Under(_process.Id).FirstOrDefault(p => p.Parent == _process.Id && p.Pid != status.Leader && !status.Followers.Contains(p.Pid) && p.State != 'Z');
        return new Roles(status.Leader, status.Followers, keeper?.Pid, _process.Id);
    }

    /// <summary>Of one that was told to end. Whoever is patient in vain ends it.</summary>
    internal void AwaitEnd() => _process.WaitForExit(_patience);

    public void Dispose()
    {
        try
        {
            if (_started && !_process.HasExited)
            {
                Signals.TrySend(_process.Id, Signals.Term);
                if (!_process.WaitForExit(TimeSpan.FromSeconds(5))) _process.Kill(entireProcessTree: true);
                _process.WaitForExit();
            }
        }
        finally
        {
            _process.Dispose();
            _directory.Delete(recursive: true);
        }
    }

    private ProcessStartInfo StartInfo(string[] server, string? logLimit)
    {
        string[] words = Mode switch
        {
            // (--followers 1 would make the next one as soon as the first leads: another stop of the server.)
            Mode.Follower => [_paths.Command, "run", "--name", Session, .. Followers == 1 ? ["--follower"] : new[] { "--followers", $"{Followers}" }, "--", .. server],
            Mode.Session => [_paths.Command, "run", "--name", Session, .. logLimit is null ? [] : new[] { "--log-limit", logLimit }, "--", .. server],
            _ => server,
        };
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Mode == Mode.Solo) start.Environment["LD_PRELOAD"] = _paths.Library;
        if (IsSession) start.Environment[RuntimeDirectory] = _directory.FullName;
        return start;
    }

    /// <summary>Not when the process ends before, or nothing happens for long.</summary>
    private bool Await(Task task)
    {
        Task.WaitAny([task, _exited.Task], _patience);
        return task.IsCompleted;
    }

    private void Take(string? line)
    {
        if (line is null) return;
        lock (_output)
        {
            _output.AppendLine(line);
            foreach (var (_, found) in _awaited.Where(a => line.Contains(a.Text, StringComparison.Ordinal))) found.TrySetResult(line);
            _awaited.RemoveAll(a => a.Found.Task.IsCompleted);
        }

        if (_readyLine is not null && line.Contains(_readyLine, StringComparison.Ordinal)) _ready.TrySetResult(Stopwatch.GetElapsedTime(_begin));
        if (line.Contains("is in step", StringComparison.Ordinal) && Interlocked.Decrement(ref _notInStep) == 0) _inStep.TrySetResult();
        if (ParseTakenOver(line) is { } time) _takenOver.TrySetResult(time);
    }

    /// <summary>Of the coordinator's line "leader 5 is gone, 6 leads now (after 0.251 ms); …".</summary>
    internal static TimeSpan? ParseTakenOver(string line)
    {
        const string before = " leads now (after ";
        var at = line.IndexOf(before, StringComparison.Ordinal);
        return at < 0 ? null : TimeSpan.FromMilliseconds(double.Parse(line[(at + before.Length)..].Split(' ')[0], CultureInfo.InvariantCulture));
    }

    /// <summary>No event tells of a socket that begins to listen: it is tried.</summary>
    private void AwaitConnection()
    {
        while (Stopwatch.GetElapsedTime(_begin) < _patience && !_process.HasExited)
        {
            try
            {
                using var client = new TcpClient("127.0.0.1", Port);
                _ready.TrySetResult(Stopwatch.GetElapsedTime(_begin));
                return;
            }
            catch (SocketException)
            {
                Thread.Sleep(2);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Process ids by role; null where there is none.</summary>
internal sealed record Roles(int Server, IReadOnlyList<int> Followers, int? Keeper, int? Coordinator)
{
    /// <summary>The eldest.</summary>
    internal int? Follower => Followers.Count > 0 ? Followers[0] : null;
}
