using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>What the kernel is asked for by a follower, with all its threads and whatever they make: seen from outside, by strace. A call that the
/// net traps (Syscall User Dispatch) is none: strace shows the SIGSYS.</summary>
internal sealed class CallsSeen : IDisposable
{
    /// <summary>What a follower may call of the kernel: memory, waiting, time, its own threads and masks.</summary>
    private static readonly HashSet<string> s_own =
    [
        "futex", "futex_waitv", "madvise", "mmap", "munmap", "mprotect", "mremap", "brk", "nanosleep", "clock_nanosleep", "clock_gettime",
        "sched_yield", "rt_sigprocmask", "rt_sigreturn", "rt_sigaction", "gettid", "getpid", "restart_syscall", "set_robust_list", "get_robust_list", "rseq",
        "prctl", "prlimit64", "clone", "clone3", "exit", "exit_group", "sched_setaffinity", "sched_getaffinity", "rt_sigtimedwait", "getrandom", "pause",
    ];

    /// <summary>Asks whether somebody is there, with no effect on him: signal 0, or one byte read of his memory. A call that another thread's event
    /// comes into is shown as "unfinished"; strace shows where or what this one has read only when it resumes.</summary>
    private static readonly Regex s_asks = new(
        @"^\d+ +(kill\(\d+, 0|tgkill\(\d+, \d+, 0)(\)| <unfinished)|^\d+ +process_vm_readv\(\d+, +(<unfinished|\[\{iov_base=.*, iov_len=1\}\], 1, \[)");

    private readonly Process _strace;
    private readonly string _trace;

    internal CallsSeen(RedisUnderMvedsua server, int follower)
    {
        _trace = Path.Combine(server.Folder, $"strace.{follower}");
        _strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-q", "-o", _trace, "-p", $"{follower}"]) { RedirectStandardError = true })!;
        Host.Until(() => _strace.HasExited || (File.Exists(_trace) && Traced(follower)), "strace is attached");
        if (!_strace.HasExited) return;
        string why = _strace.StandardError.ReadToEnd();
        Assert.SkipWhen(why.Contains("Operation not permitted"), $"strace may not attach here: {why}");
        Assert.Fail($"strace: {why}");
    }

    /// <summary>Waits for the end of the process, or ends the trace, and looks through it; its lines.</summary>
    internal string[] AreItsOwn()
    {
        Host.KillIfThere(_strace.Id, Host.SIGTERM);
        _strace.WaitForExit();
        string[] lines = [.. File.ReadLines(_trace)];
        Assert.Contains(lines, line => Name(line).Length > 0);
        string[] foreign = [.. lines.Where(line => Name(line) is { Length: > 0 } name && !s_own.Contains(name) && !s_asks.IsMatch(line))];
        Assert.True(foreign.Length == 0, string.Join('\n', foreign.Take(20)));
        return lines;
    }

    public void Dispose()
    {
        if (!_strace.HasExited) _strace.Kill();
        _strace.WaitForExit();
    }

    private static string Name(string line) => Regex.Match(line, @"^\d+ +(\w+)\(").Groups[1].Value;

    private static bool Traced(int pid) => Regex.IsMatch(File.ReadAllText($"/proc/{pid}/status"), @"TracerPid:\t[1-9]");
}
