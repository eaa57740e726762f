using System.Diagnostics;
using System.Globalization;
using Mvedsua.Replication;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class RunnerTests
{
    private static readonly Result _row = new("row", Sample.Of([1]), Unit.Ratio);

    /// <summary>An experiment that fails keeps what it had, and the file what came before it.</summary>
    [Fact]
    public void Failures_lose_nothing_and_the_file_is_there_after_each_experiment()
    {
        using var folder = new Folder();
        List<int> inFile = [];
        var paths = Built.Paths with { Results = folder.Path };
        Experiment[] experiments =
        [
            Of("good", Good), Of("broken", Broken), Of("left-out", Good) with { Prepare = _ => "no network" }, Of("last", Good),
        ];
        var output = new StringWriter { NewLine = "\n" };
        var run = new Runner(experiments, Effort.Quick, paths).Run(DateTimeOffset.UnixEpoch, Runs.Of().Machine, output, TextWriter.Null);
        Assert.Equal([0, 1, 3], inFile); // "left-out" is not begun
        Assert.Equal([(1, null, null), (1, "it broke", null), (0, null, "no network"), (1, null, null)], run.Outcomes.Select(o => (o.Results.Count, o.Failure, o.LeftOut)));
        Assert.Equal(run.Text(), RunFile.Read(folder.Path).Text());
        foreach (var line in new[] { "could not be measured to its end: it broke", "left out: no network" }) Assert.Contains(line, output.ToString(), StringComparison.Ordinal);

        IEnumerable<Result> Good(Paths at, Effort effort)
        {
            inFile.Add(RunFile.Read(at.Results).Outcomes.Count);
            yield return _row;
        }

        IEnumerable<Result> Broken(Paths at, Effort effort)
        {
            foreach (var result in Good(at, effort)) yield return result;
            throw new BenchException("it broke");
        }
    }

    /// <summary>Before anything was measured, and by SIGTERM, which does as SIGINT does.</summary>
    [Fact]
    public void An_interrupted_run_ends_its_programs_and_names_what_it_lacks()
    {
        // getppid: 401,000 pairs of blocks take minutes.
        using var bench = new RunningBench("getppid", "start-up", "idle", "--repeat", "1000");
        bench.AwaitProgress("measuring:");
        var started = Await(bench, tree => tree.Count > 1);
        bench.Send(Signals.Term);
        var (status, output, errors) = bench.End();
        Assert.True(status == 130, output + errors);
        var run = bench.Results();
        Assert.Equal("interrupted", Assert.Single(run.Outcomes).Failure);
        Assert.Equal(["start-up", "idle"], run.Missing);
        Assert.Contains("Not measured, the run ended before: start-up, idle.", output, StringComparison.Ordinal);
        Assert.Contains("start-up, idle", bench.Report(), StringComparison.Ordinal);
        AssertGone(started);
    }

    /// <summary>Each round of start-up starts three servers: the sixth, a leader with its follower, is the second round's last.</summary>
    [Fact]
    public void An_interruption_in_the_midst_of_a_round_ends_its_server_and_keeps_the_rounds_before()
    {
        using var bench = new RunningBench("start-up", "idle", "--repeat", "1000");
        bench.AwaitProgress("measuring:");
        var sixth = $"bench-{bench.Pid}-6";
        var started = Await(bench, tree => Directory.EnumerateDirectories(bench.Places.Temporary, "mvedsua-bench-*").Any(d => Directory.Exists(Path.Combine(d, "mvedsua", sixth)))
            && tree.Any(p => p.Name == "redis-server"));
        bench.Send(Signals.Int);
        var (status, output, errors) = bench.End();
        Assert.True(status == 130, output + errors);
        var run = bench.Results();
        var outcome = Assert.Single(run.Outcomes);
        Assert.Equal("interrupted", outcome.Failure);
        Assert.Equal(["idle"], run.Missing);
        var finished = Assert.Single(outcome.Rounds!).Rounds;
        Assert.InRange(finished, 1, 999);
        Assert.Equal(4, outcome.Results.Count);
        Assert.All(outcome.Results, r => Assert.Equal(finished, r.Value.Count));
        Assert.Contains("start-up of redis-server, native", bench.Report(), StringComparison.Ordinal);
        AssertGone(started);
        Assert.Empty(bench.Left());
    }

    /// <summary>What the run has started, once it is as wanted: no event tells of that.</summary>
    private static IReadOnlyList<ProcessLine> Await(RunningBench bench, Func<IReadOnlyList<ProcessLine>, bool> wanted)
    {
        for (var begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < RunningBench.Patience; Thread.Sleep(5))
        {
            if (ProcessTree.Under(bench.Pid) is var tree && wanted(tree)) return [.. tree.Skip(1)];
        }

        Assert.Fail("the run has not started what was waited for");
        return [];
    }

    private static void AssertGone(IReadOnlyList<ProcessLine> started)
    {
        Assert.NotEmpty(started);
        Assert.All(started, p => Assert.False(Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{p.Pid}")), $"{p.Name} {p.Pid} lives"));
    }

    private static Experiment Of(string name, Func<Paths, Effort, IEnumerable<Result>> measure) => new(name, name, "", "", "", "", "", 0, Sets.None, measure);
}
