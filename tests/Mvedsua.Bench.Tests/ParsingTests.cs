using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class ParsingTests
{
    [Fact]
    public void Schedstat_begins_with_the_nanoseconds_on_a_processor()
    {
        Assert.Equal(53.849654e-3, CpuTime.ParseSchedstat("53849654 325695321 81\n"), 12);
        Assert.Throws<FormatException>(() => CpuTime.ParseSchedstat("\n"));
    }

    /// <summary>Of a process whose threads all live: those of this one come and go with the tests beside, and take their time with them.</summary>
    [Fact]
    public void Processor_time_of_a_process_agrees_with_the_clock_ticks_of_its_stat()
    {
        const double Tick = 0.01, Work = 0.1;
        var paths = Built.Paths;
        using var server = new Server(paths, Mode.Native, new Recipe("spin-server", "http", (port, _) => [paths.Bench("spin-server"), $"{port}", "1000"]));
        CheckingLoad.Run(paths, "http", server.Port, 1, 100);
        var ticks = ProcessTree.Under(server.Pid)[0].Ticks * Tick;
        Assert.InRange(ticks, Work - 2 * Tick, 10);
        Assert.InRange(CpuTime.OfProcess(server.Pid) - ticks, 0, 2 * Tick + 0.005); // user's and system's are rounded down; the server may have had something to do between the looks
        Assert.Throws<BenchException>(() => CpuTime.OfProcess(int.MaxValue)); /* 0 would make what it used less than nothing */
    }

    [Fact]
    public void A_process_name_may_hold_blanks_and_parentheses()
    {
        var line = ProcessLine.Parse("812 (tmux: (server) 1) S 7 812 812 0 -1 4194304 100 200 0 0 11 22 33 44 20 0 5 0");
        Assert.Equal(new ProcessLine(812, "tmux: (server) 1", 'S', 7, 11 + 22 + 33 + 44), line);
        Assert.Throws<FormatException>(() => ProcessLine.Parse("812 tmux S 7"));
    }

    [Fact]
    public void A_tree_holds_the_root_and_all_that_descends_from_it_and_nothing_else()
    {
        ProcessLine[] all = [new(1, "init", 'S', 0, 0), new(10, "bench", 'S', 1, 0), new(11, "server", 'S', 10, 0), new(12, "child", 'S', 11, 0), new(20, "other", 'S', 1, 0)];
        Assert.Equal([10, 11, 12], ProcessTree.Under(10, all).Select(p => p.Pid));
    }

    [Fact]
    public void Busy_ticks_are_all_but_idle_and_waiting_and_stolen_ones_count()
    {
        Assert.Equal(1 + 2 + 4 + 32 + 64 + 128, Disturbance.ParseBusy("cpu  1 2 4 8 16 32 64 128 999 999\ncpu0 1 1 1 1 1 1 1 1 0 0\n"));
    }

    [Fact]
    public void The_rate_is_that_of_the_last_line()
    {
        const string csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"GET\",\"84033.61\",\"0.320\"\n";
        Assert.Equal(84033.61, RedisBenchmark.ParseRate(csv));
        Assert.Throws<BenchException>(() => RedisBenchmark.ParseRate("\"test\",\"rps\"\n"));
        Assert.Throws<BenchException>(() => RedisBenchmark.ParseRate(""));
    }

    [Fact]
    public void A_session_lags_as_its_slowest_follower_does()
    {
        var none = SessionState.Parse("""{"leader":{"pid":5},"followers":[],"log":{"bytes":4096}}""");
        Assert.Null(none.Follower);
        Assert.Equal((5, 0, 4096), (none.Leader, none.LagEvents, none.LogBytes));
        var two = SessionState.Parse("""{"leader":{"pid":5},"followers":[{"pid":6,"lag":{"events":3}},{"pid":7,"lag":{"events":9}}],"log":{"bytes":0}}""");
        Assert.Equal([6, 7], two.Followers);
        Assert.Equal((6, 9), (two.Follower, two.LagEvents));
    }

    [Fact]
    public void A_stub_that_was_not_rewritten_measures_nothing()
    {
        var (direct, stub) = GetppidRow.Parse("rewritten=1\n100.00 120.00\n101.00 119.50\n");
        Assert.Equal([100e-9, 101e-9], direct);
        Assert.Equal([120e-9, 119.5e-9], stub);
        Assert.Throws<BenchException>(() => GetppidRow.Parse("rewritten=0\n100.00 100.00\n"));
    }

    [Fact]
    public void A_line_of_log_bench_is_a_sample()
    {
        var found = PublishRow.Parse("publish payload=1024 ns=30.1 min=29.0 max=35.2\ncopy payload=1024 ns=20.0 min=19.0 max=21.0\n");
        Assert.Equal(30.1e-9, found[("publish", 1024)].Median, 15);
        Assert.Equal(21e-9, found[("copy", 1024)].Max, 15);
        Assert.Throws<BenchException>(() => PublishRow.Parse("Killed\n"));
    }

    [Fact]
    public void A_phase_of_the_checking_load_tells_what_its_clients_saw()
    {
        var phase = Phase.Parse("phase=1 seconds=1.01 answers=39480 errors=2 median_us=294.9 p99_us=2359.3 longest_us=12063.4\n");
        Assert.Equal((1.01, 39480, 2), (phase.Seconds, phase.Answers, phase.Errors));
        Assert.Equal(12063.4e-6, phase.Longest, 12);
    }

    [Fact]
    public void How_long_a_takeover_took_stands_in_the_coordinators_line()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(0.251), Server.ParseTakenOver("mvedsua: warning: leader 5 is gone, 6 leads now (after 0.251 ms); pid files name the old one"));
        Assert.Null(Server.ParseTakenOver("mvedsua: session x: server started, pid 5"));
    }
}
