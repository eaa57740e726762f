using System.Diagnostics;
using System.Text.RegularExpressions;
using Mvedsua.Abi;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>One server under <c>mvedsua run --follower</c>, watched through its session memory.</summary>
internal sealed partial class DrillSession : IDisposable
{
    private const string Name = "drill";
    private const double Patience = 60;
    private readonly string _mvedsua;
    private readonly Process _run;
    private readonly SessionMemory _memory;
    private readonly List<string> _said = [];
    private readonly int _wanted;
    private readonly MessageReader _messages;

    internal DrillSession(string products, string folder, string[] command, string? faults, int followers)
    {
        Folder = folder;
        _wanted = followers;
        _mvedsua = Path.Combine(products, "mvedsua");
        string line = string.Join(' ', command.Select(word => $"'{word}'"));
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec '{_mvedsua}' run --name {Name} --follower -- {line} >> log 2>&1 < /dev/null"]) { WorkingDirectory = folder };
        start.Environment["XDG_RUNTIME_DIR"] = folder;
        if (faults is not null) start.Environment["MVEDSUA_FAULTS"] = faults;
        _run = Process.Start(start)!;
        SessionMemory? memory = null;
        Host.Until(() => _run.HasExited || (memory = OpenMemory(_run.Id)) is not null, "the session memory is there", Patience);
        _memory = memory ?? throw new DrillFailure($"the session has ended before it began: {File.ReadAllText(Path.Combine(folder, "log"))}");
        _messages = new MessageReader(_memory.Control);
    }

    internal string Folder { get; }
    internal ControlBlock Control => _memory.Control;
    internal int CoordinatorPid => (int)Control.CoordinatorPid.Value;

    /// <summary>The command is there: its coordinator was never killed, and it has the server's status.</summary>
    internal bool HasEnded => _run.HasExited;

    internal int ExitStatus => _run.ExitCode;
    internal string Log => File.ReadAllText(Path.Combine(Folder, "log"));

    /// <summary>Null: it is not there yet, or just being made.</summary>
    private static SessionMemory? OpenMemory(int pid)
    {
        try
        {
            string? memory = Directory.EnumerateFiles($"/proc/{pid}/fd")
                .FirstOrDefault(fd => new FileInfo(fd).LinkTarget?.StartsWith("/memfd:mvedsua-", StringComparison.Ordinal) == true);
            return memory is null ? null : SessionMemory.Open(memory, writable: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SessionMemoryException)
        {
            return null;
        }
    }

    /// <summary>Waits for something that a change of the control block tells (or, as a net, for what none tells).</summary>
    internal void Until(Func<bool> condition, string what, DrillLoad load, double seconds = Patience)
    {
        SharedUInt32 change = Control.Change;
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            uint seen = change.Value;
            if (condition()) return;
            load.Check();
            if (Stopwatch.GetElapsedTime(begin).TotalSeconds > seconds) throw new DrillFailure($"not within {seconds} s: {what}; {Describe()}");
            change.Wait(seen, TimeSpan.FromMilliseconds(50));
        }
    }

    private IEnumerable<Member> Members => Enumerable.Range(0, (int)MvAbi.Versions).Select(Control.Member);

    /// <summary>Those that replay.</summary>
    internal IReadOnlyList<Member> Followers =>
        [.. Members.Where(m => m is { Pid: not 0, Publishing: true, State: MvMemberState.Replaying } && Host.IsAlive(m.Pid)).OrderBy(m => m.Generation)];

    internal bool IsFollowed => Followers.Count == _wanted;

    /// <summary>Nobody follows whose making or death is not known yet.</summary>
    internal bool IsSettled => Members.Count(m => m.Publishing) == Followers.Count;

    private static bool IsExpected(MvReason reason) =>
        reason is MvReason.None or MvReason.FollowerDied or MvReason.LeaderDied or MvReason.Requested or MvReason.Replaced or MvReason.Busy;

    /// <summary>One leader, its followers, which replay, a keeper, and a coordinator.</summary>
    internal void MakeWhole(DrillLoad load)
    {
        Until(() => Host.IsAlive(Control.LeaderPid) && Control.Stage is MvStage.SingleLeader or MvStage.Followed, "somebody leads", load);
        List<string> replies = [];
        while (!IsFollowed)
        {
            /* A follower that has just died is not known to be dead yet, one that is being made not yet to live. */
            Until(() => IsSettled, "the leader goes on alone, or the follower replays", load);
            if (IsFollowed) break;
            if (!IsExpected(Control.Reason) || Members.Any(m => !IsExpected(m.Reason)))
                throw new DrillFailure($"a follower that nobody killed has ended; {Describe()}\n{LastReport()}");
            if (Followers.Count > _wanted || replies.Count > 20 * _wanted)
                throw new DrillFailure($"{Followers.Count} followers, not {_wanted}, after these replies:\n{string.Join('\n', replies)}\n{Describe()}");
            Host.Result follow = Verb("follow");
            replies.Add($"leader {Control.LeaderPid}, generation {Control.Generation}: {follow.Output}{follow.Errors}".TrimEnd());
            load.Check();
            if (IsFollowed) break;
            TakeMessages();
            Until(() => Control.Stage is MvStage.SingleLeader or MvStage.Followed, "the attachment has ended", load);
        }
        Host.Result? status = null;
        for (int attempt = 0; !Host.IsAlive(CoordinatorPid); attempt++)
        {
            if (attempt == 20) throw new DrillFailure($"no coordinator after {attempt} tries: {status!.Output} {status.Errors}; {Describe()}");
            status = Verb("status");
        }
        /* The leader may die by the shim's hand meanwhile: nobody follows the next one, and it needs no keeper. */
        Until(() => !IsFollowed || Host.IsAlive(Control.KeeperPid), "there is a keeper", load);
        if (!IsFollowed) MakeWhole(load);
        TakeMessages();
    }

    /// <summary>Once it is made: the difference is in it.</summary>
    private string LastReport()
    {
        Host.Result report = Verb("report");
        return report.Output + report.Errors;
    }

    internal Host.Result Verb(string verb, params string[] more) => Host.Run(Folder, _mvedsua, [verb, Name, .. more]);

    internal string Describe()
    {
        ControlBlock c = Control;
        return $"stage {c.Stage}, leader {State(c.LeaderPid)}, followers {string.Join(", ", Members.Select(m => $"{State(m.Pid)} {m.State} {m.Publishing} {m.Reason} {m.ReasonText}"))}, keeper {State(c.KeeperPid)}, coordinator {State(CoordinatorPid)}, " +
            $"generation {c.Generation}, failovers {c.Failovers}, reason {c.Reason} {c.ReasonText}";
        static string State(int pid) => pid == 0 ? "none" : $"{pid} {(Host.IsAlive(pid) ? "alive" : "dead")}";
    }

    /// <summary>What the shim has said since the last look.</summary>
    internal IReadOnlyList<string> TakeMessages()
    {
        int before = _said.Count;
        _said.AddRange(_messages.Take().Select(message => $"[{message.Pid}] {message.Text}"));
        return _said[before..];
    }

    /// <summary>Every line that the shim has said.</summary>
    internal IReadOnlyList<string> Said => _said;

    [GeneratedRegex(@"^\[(?<pid>[0-9]+)\] fault: generation [0-9]+ of seed [0-9]+: the (?<role>\w+) dies at (?<point>[a-z-]+), passage [0-9]+(?<now>: now)?$")]
    internal static partial Regex Fault();

    /// <summary>Ends what is left, whatever it is.</summary>
    public void Dispose()
    {
        int[] pids = [Control.LeaderPid, .. Members.Select(m => m.Pid), Control.KeeperPid, CoordinatorPid];
        _memory.Dispose();
        foreach (int pid in ProcessFacts.WorkingIn(Folder).Concat(pids).Distinct().Where(pid => pid > 1)) Host.KillIfThere(pid, Host.SIGKILL);
        if (!_run.HasExited) _run.Kill();
        _run.Dispose();
    }
}
