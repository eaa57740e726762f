using System.Diagnostics;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class CallsTests
{
    private static readonly string[] _calls =
    [
        "close of -1", "write of 512 bytes", "read of 512 bytes", "open and close of /dev/null", "time", "read of 64 bytes", "write of 64 bytes", "clock_gettime", "getppid",
        "epoll_wait, one event ready", "futex, wake of nobody", CallsRow.Mutex,
    ];

    [Fact]
    public void Call_bench_answers_with_two_times()
    {
        var time = CallTime.Parse("110.50 112.25");
        Assert.Equal(110.5e-9, time.Cpu, 15);
        Assert.Equal(112.25e-9, time.Wall, 15);
        Assert.Throws<BenchException>(() => CallTime.Parse("no such call"));
        Assert.Throws<BenchException>(() => CallTime.Parse("110.50"));
    }

    [Fact]
    public void Each_call_can_be_made_and_takes_time()
    {
        using var bench = new CallBench(Built.Paths, Mode.Native);
        Assert.Equal(_calls, bench.Calls);
        foreach (var call in _calls)
        {
            var time = bench.Make(call, 5_000);
            Assert.InRange(time.Cpu, 1e-9, 1e-3);
            Assert.InRange(time.Wall, time.Cpu * 0.9, 1);
            Assert.Matches("^0x[0-9a-f]+$", bench.AddressOf(call));
        }

        Assert.Throws<BenchException>(() => bench.Make("chroot", 1));
    }

    /// <summary>What could break it: a program that runs call-bench is ended before it, which then listens for ever.</summary>
    [Fact]
    public void A_program_that_runs_it_ends_with_it()
    {
        int pid;
        using (var bench = new CallBench(Built.Paths, Mode.Native, [Built.Paths.Bench("ptrace-stops")]))
        {
            pid = Assert.Single(ProcessTree.Under(bench.Server.Pid), p => p.Name == "call-bench").Pid;
            Assert.InRange(bench.Make("getppid", 1_000).Wall, 500e-9, 1e-2);
        }

        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    [Fact]
    public void Varans_cycles_stand_with_the_ratio_that_can_be_compared()
    {
        Assert.Equal("Varan 1261 cycles", CallsRow.Published("close of -1", 0));
        Assert.Equal("Varan, open alone, 8788 cycles, 3.40 × native", CallsRow.Published("open and close of /dev/null", 2));
        Assert.Equal("–", CallsRow.Published("getppid", 2));
    }

    [Fact]
    public void A_monitor_that_cannot_run_says_why()
    {
        Assert.Null(MonitorsRow.WhyNot(["env"]));
        Assert.Equal("no-such-monitor is not installed", MonitorsRow.WhyNot(["no-such-monitor", "-x"]));
        Assert.Equal("sh: the tracepoints can't be read", MonitorsRow.WhyNot(["sh", "-c", "echo; echo \"the tracepoints can't be read\" >&2; exit 255"]));
        Assert.Equal("sh: exit status 3", MonitorsRow.WhyNot(["sh", "-c", "exit 3"]));
    }

    /// <summary>Of a counter that every machine has: PERF_COUNT_SW_TASK_CLOCK, ns on a processor.</summary>
    [Fact]
    public void A_counter_of_another_process_counts_or_says_why_not()
    {
        var (counter, why) = Cycles.Open(Environment.ProcessId, type: 1, config: 1);
        using (counter)
        {
            Assert.NotEqual(counter is null, why.Length == 0);
            Assert.SkipWhen(counter is null, why);
            Assert.InRange(counter!.Count, 0ul, (ulong)TimeSpan.FromHours(1).TotalNanoseconds);
        }

        using var busy = Process.Start(new ProcessStartInfo("sh", ["-c", "while :; do :; done"]))!;
        try
        {
            using var of = Cycles.Open(busy.Id, type: 1, config: 1).Counter!;
            Assert.True(SpinWait.SpinUntil(() => of.Count > 10_000_000, TimeSpan.FromSeconds(20)));
        }
        finally
        {
            busy.Kill();
        }
    }

    [Fact]
    public void A_counter_of_nobody_says_why()
    {
        var (counter, why) = Cycles.Open(int.MaxValue, type: 1, config: 1);
        Assert.Null(counter);
        Assert.StartsWith("perf_event_open: ", why, StringComparison.Ordinal);
    }
}
