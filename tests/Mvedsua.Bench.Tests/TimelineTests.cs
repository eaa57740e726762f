using System.Diagnostics;
using Mvedsua.Replication.Figures;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>The figure of throughput and latency over time.</summary>
public sealed class TimelineTests
{
    private const int Connections = 4;

    [Fact]
    public void An_interval_is_told_by_its_end()
    {
        Assert.Equal(new Interval(1.1, 5000, 900e-6), Interval.Parse("second=1.1 answers=5000 median_us=80.0 longest_us=900.0"));
        Assert.Null(Interval.Parse("progress=25000"));
    }

    /// <summary>The requests that a stop cuts short are answered by the server that comes after it: their time is the outage's. However slow the machine is: the load goes on
    /// until the test ends it, and the test's clock begins before the load's, so that an interval that begins later than the server's end by this clock had no server at all.</summary>
    [Fact]
    public void Clients_come_back_to_a_server_that_was_away_and_count_the_time()
    {
        const int Forever = 600;
        var (paths, length) = (Built.Paths, TimedLoad.Length.TotalSeconds);
        var first = new Server(paths, Mode.Native, Recipe.Redis());
        int port = first.Port;
        long begin = Stopwatch.GetTimestamp();
        using var load = new TimedLoad(paths, "redis", port, Connections, Forever);
        var served = load.AwaitAnswer();
        first.Dispose();
        double silence = Stopwatch.GetElapsedTime(begin).TotalSeconds + length, silent = silence + 3 * length;
        load.Await(silent);
        using var second = new Server(paths, Mode.Native, Recipe.Redis() with { Command = (_, folder) => Recipe.Redis().Command(port, folder) });
        var back = load.AwaitAnswer();
        var (intervals, errors) = load.Stop();
        Assert.Equal(Connections, errors);
        Assert.Contains(served, intervals);
        Interval[] without = [.. intervals.Where(i => i.End > silence && i.End < back.End)];
        Assert.InRange(without.Length, 3, Forever);
        Assert.All(without, i => Assert.Equal((0, 0.0), (i.Answers, i.Longest)));
        Assert.InRange(back.Longest, 3 * length, back.End);
    }

    [Fact]
    public void The_figure_is_drawn_as_picture_and_as_drawing()
    {
        string folder = Directory.CreateTempSubdirectory("mvedsua-figure-").FullName;
        try
        {
            var course = new Course("native", [new(0.1, 5000, 1e-3), new(0.2, 0, 0), new(0.3, 4000, 30e-3)], 0);
            TimelinePlot.Draw(Path.Combine(folder, "timeline"), [course, course with { Name = "Mvedsua" }], 0.3);
            TimelineFile.Write(Path.Combine(folder, "timeline.csv"), [course]);
            foreach (string name in (string[])["throughput", "latency"])
            {
                Assert.Equal("\x89PNG"u8.ToArray()[^3..], File.ReadAllBytes(Path.Combine(folder, $"timeline-{name}.png"))[1..4]);
                Assert.Contains("</svg>", File.ReadAllText(Path.Combine(folder, $"timeline-{name}.svg")), StringComparison.Ordinal);
            }
            Assert.Equal("server,second,answers,longest_ms\nnative,0.1,5000,1.000\nnative,0.2,0,0.000\nnative,0.3,4000,30.000\n", File.ReadAllText(Path.Combine(folder, "timeline.csv")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
