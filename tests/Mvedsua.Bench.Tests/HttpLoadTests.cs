using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class HttpLoadTests
{
    private const string Wrk = """
        Running 2s test @ http://127.0.0.1:8080/check
          1 threads and 50 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency   412.11us   99.02us   3.11ms   85.61%
          241105 requests in 2.10s, 1.01GB read
        Requests/sec: 114868.44
        Transfer/sec:    491.31MB
        """;

    private const string Ab = """
        Concurrency Level:      50
        Complete requests:      15000
        Failed requests:        0
        Keep-Alive requests:    15000
        Requests per second:    48211.23 [#/sec] (mean)
        """;

    [Fact]
    public void The_rates_are_read()
    {
        Assert.Equal(114868.44, HttpLoads.Parse("wrk", HttpLoads.WrkRate(), HttpLoads.WrkFailures(), Wrk));
        Assert.Equal(48211.23, HttpLoads.Parse("ab", HttpLoads.AbRate(), HttpLoads.AbFailures(), Ab));
    }

    [Fact]
    public void A_load_that_failed_in_part_is_no_figure()
    {
        Assert.Contains("Socket errors", Assert.Throws<BenchException>(() => HttpLoads.Parse("wrk", HttpLoads.WrkRate(), HttpLoads.WrkFailures(),
            Wrk.Replace("Requests/sec", "  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests/sec", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("Failed requests", Assert.Throws<BenchException>(() => HttpLoads.Parse("ab", HttpLoads.AbRate(), HttpLoads.AbFailures(),
            Ab.Replace("Failed requests:        0", "Failed requests:        7", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Throws<BenchException>(() => HttpLoads.Parse("wrk", HttpLoads.WrkRate(), HttpLoads.WrkFailures(), "unable to connect"));
    }

    /// <summary>A program that computes for a while, and has been waited for.</summary>
    [Fact]
    public void A_loads_processor_time_is_counted()
    {
        var before = ChildrenTime.Now();
        Programs.Run("bash", ["-c", "for ((i = 0; i < 200000; i++)); do :; done"]);
        Assert.InRange(ChildrenTime.Now() - before, 0.05, 60);
    }
}
