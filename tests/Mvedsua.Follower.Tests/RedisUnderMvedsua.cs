using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace Mvedsua.Follower.Tests;

/// <summary>A server of one test: Redis (or another) run natively, by the command alone, or with a follower. Its port, folder
/// and session directory are its own. After a failed test the folder stays, and its command is printed.</summary>
internal sealed class RedisUnderMvedsua : IDisposable
{
    private readonly Process _run;
    private readonly string _command;
    private readonly string _mvedsua;

    internal enum Mode { Native, Solo, Followed }

    internal RedisUnderMvedsua(Mode mode = Mode.Followed, string[]? run = null, string[]? redis = null, string[]? server = null,
        Action<RedisUnderMvedsua>? started = null, Action<RedisUnderMvedsua>? prepare = null, string? products = null,
        string? faults = null)
    {
        _mvedsua = Path.Combine(products ?? Host.Products, "mvedsua");
        Folder = Directory.CreateTempSubdirectory("mvedsua-follower-").FullName;
        Port = Host.FreePort();
        string[] command = server is null
            ? ["redis-server", Path.Combine(Folder, "redis.conf"), .. redis ?? ["--save", ""]]
            : [.. server.Select(word => word.Replace("{port}", $"{Port}").Replace("{folder}", Folder))];
        File.WriteAllText(Path.Combine(Folder, "redis.conf"), $"port {Port}\ndir {Folder}\nenable-debug-command yes\n");
        if (mode != Mode.Native)
            command = [_mvedsua, "run", "--name", Name, .. mode == Mode.Followed ? new[] { "--follower" } : [], .. run ?? [], "--", .. command];
        _command = string.Join(' ', command.Select(Quote));
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec {_command} > {Folder}/log 2>&1 < /dev/null"]) { WorkingDirectory = Folder };
        start.Environment["XDG_RUNTIME_DIR"] = start.Environment["TMPDIR"] = Folder;
        if (faults is not null) start.Environment["MVEDSUA_FAULTS"] = faults;
        prepare?.Invoke(this);
        _run = Process.Start(start)!;
        started?.Invoke(this);
        TestContext.Current.TestOutputHelper?.WriteLine($"cd {Folder}; XDG_RUNTIME_DIR={Folder} {_command}");
        if (server is not null) return;
        long begin = Stopwatch.GetTimestamp();
        while (!Answers())
        {
            if (HasEnded) Assert.Fail($"the server has ended ({ExitStatus}) before it answered PING\n{Tail()}");
            if (Stopwatch.GetElapsedTime(begin).TotalSeconds > 30) Assert.Fail($"the server does not answer PING within 30 s: {Threads()}\n{Tail()}");
            Thread.Sleep(5);
        }
        if (mode == Mode.Followed && faults is null) InStep();
    }

    /// <summary>All processes that came of the start: who is left by its parent, the coordinator adopts.</summary>
    internal IEnumerable<int> Processes => WithChildren(_run.Id);

    private static IEnumerable<int> WithChildren(int pid) => Tasks(pid).SelectMany(task => Read($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(int.Parse).SelectMany(WithChildren).Prepend(pid);

    private static string[] Tasks(int pid) => Directory.Exists($"/proc/{pid}/task") ? Directory.GetDirectories($"/proc/{pid}/task") : [];

    /// <summary>What each of their threads waits for, in the kernel.</summary>
    private string Threads() => string.Join("; ", Processes.SelectMany(Tasks)
        .Select(task => $"{task[6..]} {Read($"{task}/comm")} {Read($"{task}/wchan")} {Read($"{task}/syscall")}"));

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path).TrimEnd('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; /* gone */
        }
    }

    internal static string Name => "t";
    internal string Folder { get; }
    internal int Port { get; }
    internal string Log => File.Exists(Path.Combine(Folder, "log")) ? File.ReadAllText(Path.Combine(Folder, "log")) : "";
    internal int CoordinatorPid => _run.Id;
    internal bool HasEnded => _run.HasExited;
    internal int ExitStatus => _run.ExitCode;

    internal int LeaderPid => Status().GetProperty("leader").GetProperty("pid").GetInt32();

    /// <summary>0 without a follower.</summary>
    internal int FollowerPid => Status().GetProperty("follower") is { ValueKind: JsonValueKind.Object } f ? f.GetProperty("pid").GetInt32() : 0;

    internal int KeeperPid => Session().First(pid => Process.GetProcessById(pid) is not null && pid != LeaderPid && pid != FollowerPid);

    internal RespClient Connect() => new(Port);

    internal Host.Result Mvedsua(params string[] arguments) => Host.Run(Folder, _mvedsua, arguments);

    internal JsonElement Status()
    {
        Host.Result result = Mvedsua("status", Name, "--json");
        Assert.True(result.Status == 0, $"status: {result.Errors}\n{Tail()}");
        return JsonDocument.Parse(result.Output).RootElement;
    }

    /// <summary>Why the last follower ended, as the session's history tells.</summary>
    internal string LastHistory => Status().GetProperty("history").EnumerateArray().Last().GetProperty("what").GetString()!;

    internal string History => string.Join("; ", Status().GetProperty("history").EnumerateArray().Select(h => h.GetProperty("what").GetString()));

    internal void Follow()
    {
        Host.Result result = Mvedsua("follow", Name);
        TestContext.Current.TestOutputHelper?.WriteLine(result.Output + result.Errors);
        Assert.True(result.Status == 0, $"follow: {result.Output}{result.Errors}\n{Tail()}");
    }

    /// <summary>There is a follower, and it has replayed everything. (The server must be idle, or nearly.) However long its backlog is, it goes on.</summary>
    internal void InStep(string after = "")
    {
        JsonElement status = default;
        long Lag()
        {
            status = Status();
            return status.GetProperty("follower").ValueKind == JsonValueKind.Object ? status.GetProperty("lag").GetProperty("events").GetInt64() : 0;
        }
        for (long lag = long.MaxValue; lag != 0;)
        {
            long before = lag;
            Host.Until(() => (lag = Lag()) < before, $"a follower that is {before} events behind catches up");
        }
        Assert.True(status.GetProperty("follower").ValueKind == JsonValueKind.Object,
            $"the follower was lost {after}: {Control()}; {string.Join("; ", status.GetProperty("history"))}\n{Mvedsua("report", Name).Output}\n{Tail()}");
    }

    /// <summary>There is a follower, however far behind.</summary>
    internal void InStepUnderLoad()
    {
        if (FollowerPid == 0) Assert.Fail($"the follower was lost: {Control()}; {LastHistory}\n{Report()}");
    }

    /// <summary>Waits until there is no follower; the reason.</summary>
    internal string FollowerEnded(double seconds = 20)
    {
        Host.Until(() => FollowerPid == 0, "the follower has ended", seconds);
        return History;
    }

    /// <summary>The report of the last divergence, as text; it is made in the background.</summary>
    internal string Report()
    {
        Host.Result result = Mvedsua("report", Name);
        for (int i = 0; i < 100 && result.Status != 0; i++)
        {
            Thread.Sleep(100);
            result = Mvedsua("report", Name);
        }
        Assert.True(result.Status == 0, $"no report: {result.Errors}\n{Tail()}");
        return result.Output;
    }

    /// <summary>Waits for another leader than this one.</summary>
    internal int PromotedFrom(int leader, double seconds = 20)
    {
        int now = 0;
        Host.Until(() => (now = LeaderPid) != leader, "the follower leads", seconds);
        return now;
    }

    /// <summary>The session memory of this server, opened through its hidden descriptor; as the same user may.</summary>
    internal FileStream Memory(FileAccess access = FileAccess.Read) => new(MemoryPath(), FileMode.Open, access, FileShare.ReadWrite, 0);

    internal string MemoryPath() =>
        Directory.EnumerateFiles($"/proc/{LeaderPid}/fd").First(fd => new FileInfo(fd).LinkTarget?.StartsWith("/memfd:mvedsua", StringComparison.Ordinal) == true);

    /// <summary>The shim's part of the control block, in words.</summary>
    internal string Control()
    {
        byte[] bytes = new byte[1024];
        using FileStream memory = Memory();
        memory.ReadExactly(bytes);
        uint At(int offset) => BitConverter.ToUInt32(bytes, offset);
        return $"stage {At(132)} request {At(68)}/{At(72)} answer {At(136)}/{At(140)} leader {At(148)} leads {At(152)} keeper {At(172)} reason {At(164)} code {At(168)} " +
            $"generation {At(176)} publishing {At(512)},{At(516)},{At(520)},{At(524)} text {System.Text.Encoding.UTF8.GetString(bytes, 224, 240).TrimEnd('\0')}";
    }

    /// <summary>Of the newest process, or of a lead that was offered.</summary>
    internal string Generation => System.Text.RegularExpressions.Regex.Match(Control(), "generation ([0-9]+)").Groups[1].Value;

    /// <summary>Events that the follower has not replayed.</summary>
    internal long Lag => Status().GetProperty("lag").GetProperty("events").GetInt64();

    internal string Tail() => string.Join('\n', Log.Split('\n').Where(l => !l.Contains("WARNING")).TakeLast(25));

    private IEnumerable<int> Session()
    {
        string file = Path.Combine(Folder, "mvedsua", Name, "session.json");
        if (!File.Exists(file)) return [];
        return [.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("processes").EnumerateArray().Select(p => p.GetProperty("pid").GetInt32())];
    }

    private bool Answers()
    {
        Assert.False(_run.HasExited, $"the server has ended:\n{Log}");
        try
        {
            using var client = new RespClient(Port, 2000);
            return client.Call("PING") == "+PONG\r\n";
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return false;
        }
    }

    private static string Quote(string word) => "'" + word.Replace("'", "'\\''") + "'";

    /// <summary>After the test's end, when its result is known.</summary>
    public void Dispose()
    {
        int[] pids = [.. Session()];
        Host.KillIfThere(_run.Id, Host.SIGTERM);
        if (!_run.WaitForExit(5000))
        {
            foreach (int pid in pids) Host.KillIfThere(pid, Host.SIGKILL);
            _run.Kill();
            _run.WaitForExit();
        }
        foreach (int pid in pids)
            if (Host.IsAlive(pid)) Host.KillIfThere(pid, Host.SIGKILL);
        if (TestContext.Current.TestState?.Result != TestResult.Failed)
            try { Directory.Delete(Folder, recursive: true); } catch (IOException) { }
    }
}

/// <summary>Base of the test classes: ends the servers after the test.</summary>
public abstract class ServerTests : IDisposable
{
    private readonly List<RedisUnderMvedsua> _servers = [];

    private protected RedisUnderMvedsua Start(RedisUnderMvedsua.Mode mode = RedisUnderMvedsua.Mode.Followed, string[]? run = null, string[]? redis = null,
        string[]? server = null, Action<RedisUnderMvedsua>? prepare = null, string? products = null,
        string? faults = null)
    {
        var started = new RedisUnderMvedsua(mode, run, redis, server, _servers.Add, prepare, products, faults);
        return started;
    }

    private protected static void Tell(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);

    public virtual void Dispose()
    {
        foreach (RedisUnderMvedsua server in Enumerable.Reverse(_servers)) server.Dispose();
        GC.SuppressFinalize(this);
    }
}
