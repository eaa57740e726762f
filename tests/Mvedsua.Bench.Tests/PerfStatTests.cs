using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class PerfStatTests
{
    private const string Counted = "Events disabled\nEvents enabled\n1234567,,instructions:u,2011300,100.00,,\n", Unsupported = "<not supported>,,instructions:u,0,100.00,,\n";

    [Fact]
    public void What_perf_counted_is_read()
    {
        Assert.Equal(1_234_567, PerfStat.Parse(PerfStat.Instructions, Counted));
        Assert.Equal(0.43, PerfStat.Parse("task-clock", "0.43,msec,task-clock,430000,100.00,0.6,CPUs utilized\n"));
        Assert.Null(PerfStat.Parse(PerfStat.Instructions, Unsupported));
        Assert.Null(PerfStat.Parse(PerfStat.Instructions, "<not counted>,,instructions:u,0,100.00,,\n"));
        Assert.Null(PerfStat.Parse("cycles", Counted));
    }

    [Fact]
    public void Why_a_machine_counts_none_is_said_in_perfs_words()
    {
        Assert.Null(PerfStat.Missing(PerfStat.Instructions, 0, Counted));
        Assert.Equal("this machine counts none: perf stat -e instructions:u says <not supported>", PerfStat.Missing(PerfStat.Instructions, 0, Unsupported));
        Assert.Equal("perf stat -e instructions:u: Error:", PerfStat.Missing(PerfStat.Instructions, 255, "\nError:\nNo permission\n"));
    }

    /// <summary>A server's threads are counted from one moment to another, here by what the kernel counts without the processor's help.</summary>
    [Fact]
    public void A_server_under_load_is_counted()
    {
        const string Switches = "context-switches";
        var why = PerfStat.WhyNot(Switches);
        Assert.SkipWhen(why is not null, why ?? "");
        var paths = Built.Paths;
        using var server = new Server(paths, Mode.Native, Recipe.Memcached(4));
        using var counter = new PerfStat(server.Pid, Switches);
        CheckingLoad.Run(paths, "memcached", server.Port, 4, 2_000);
        Assert.InRange(counter.End(), 100, 1_000_000);
    }

    [Fact]
    public void Rounds_with_instructions_have_rows_and_others_have_none()
    {
        Ratios Of(double? native, double? leader) => new([(Arm.Native(Recipe.Redis()), [new Round(1, 1, 0, 0, 0, Instructions: native)]), (Arm.Followed(Recipe.Redis(), 1), [new Round(1, 1, 0, 0, 0, Instructions: leader)])]);
        var row = Assert.Single(Of(20_000, 21_000).Instructions("GET", (Mode.Follower, "leader's")));
        Assert.Equal(("GET: leader's user instructions a request", "1.050 × [1.050–1.050]", "native 20000; perf stat -e instructions:u"), (row.What, row.Measured, row.Note));
        Assert.Empty(Of(null, null).Instructions("GET", (Mode.Follower, "leader's")));
    }
}
