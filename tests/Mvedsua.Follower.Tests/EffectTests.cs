using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

public sealed class EffectTests : ServerTests
{
    /// <summary>What a follower may call of the kernel: memory, waiting, time, its own threads and masks.</summary>
    private static readonly HashSet<string> s_own =
    [
        "futex", "futex_waitv", "madvise", "mmap", "munmap", "mprotect", "mremap", "brk", "nanosleep", "clock_nanosleep", "clock_gettime",
        "sched_yield", "rt_sigprocmask", "rt_sigreturn", "rt_sigaction", "gettid", "getpid", "restart_syscall", "set_robust_list", "get_robust_list", "rseq",
        "prctl", "prlimit64", "clone", "clone3", "exit", "sched_setaffinity", "sched_getaffinity", "rt_sigtimedwait", "getrandom", "pause",
    ];

    [Fact]
    public void A_follower_has_no_effect_outside_itself()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        string trace = Path.Combine(server.Folder, "strace");
        using Process strace = Process.Start("strace", ["-f", "-q", "-o", trace, "-p", $"{follower}"]);
        Host.Until(() => File.Exists(trace) && File.ReadAllText($"/proc/{follower}/status").Contains($"TracerPid:\t{strace.Id}\n"), "strace is attached");
        string[] before = Descriptors(leader);
        using (var load = new CheckedLoad(server, 5))
        {
            load.More(500);
            load.Finish();
        }
        client.Ok("CONFIG", "SET", "appendonly", "yes"); /* begins with a rewrite, beside which no save is allowed */
        Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the first rewrite ends");
        client.Ok("CONFIG", "SET", "appendfsync", "always");
        for (int i = 0; i < 50; i++) client.Ok("INCR", "n");
        client.Ok("BGSAVE");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the save ends");
        client.Ok("BGREWRITEAOF");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the rewrite ends");
        client.Ok("CONFIG", "SET", "appendonly", "no");
        server.InStep();
        Host.Kill(strace.Id, Host.SIGTERM);
        strace.WaitForExit();
        Host.Until(() => Descriptors(leader).Length <= before.Length, "closed connections are gone");
        Assert.Equal(before, Descriptors(leader));
        Assert.Equal(before.Length, Descriptors(follower).Length); /* one table */
        string[] calls = [.. File.ReadLines(trace).Select(l => Regex.Match(l, @"^\d+ +(\w+)\(").Groups[1].Value).Where(c => c.Length > 0).Distinct()];
        Assert.NotEmpty(calls);
        string[] foreign = [.. calls.Where(c => !s_own.Contains(c))];
        Assert.True(foreign.Length == 0, string.Join('\n', File.ReadLines(trace).Where(l => foreign.Any(f => l.Contains(f + "("))).Take(20)));
    }

    private static string[] Descriptors(int pid) =>
        [.. Directory.EnumerateFiles($"/proc/{pid}/fd").Select(fd => $"{Path.GetFileName(fd)} {new FileInfo(fd).LinkTarget}").Order()];
}
