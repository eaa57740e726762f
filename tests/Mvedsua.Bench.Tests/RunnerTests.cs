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
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(120);
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

    /// <summary>SIGTERM, which does as SIGINT does: the latter may be ignored by what runs the tests.</summary>
    [Fact]
    public async Task An_interrupted_run_ends_its_servers_and_keeps_what_it_has()
    {
        using var folder = new Folder();
        var start = new ProcessStartInfo(Built.Bench, ["run", "getppid", "start-up", "idle", "--repeat", "1000", "--out", folder.Path])
            { RedirectStandardOutput = true, RedirectStandardError = true };
        // getppid: 401,000 pairs of blocks take minutes.
        _ = Built.Paths;
        using var bench = Process.Start(start)!;
        var errors = bench.StandardOutput.ReadToEndAsync();
        while (await bench.StandardError.ReadLineAsync().WaitAsync(_patience) is { } line && !line.StartsWith("measuring:", StringComparison.Ordinal))
        {
        }

        await AwaitChild(bench);
        var started = ProcessTree.Under(bench.Id).Skip(1).Select(p => p.Pid).ToList();
        Signals.Send(bench.Id, Signals.Term);
        Assert.True(bench.WaitForExit(_patience));
        Assert.Equal(130, bench.ExitCode);
        var run = RunFile.Read(folder.Path);
        Assert.Equal("interrupted", Assert.Single(run.Outcomes).Failure);
        Assert.Equal(["start-up", "idle"], run.Missing);
        Assert.Contains("Not measured, the run ended before: start-up, idle.", await errors, StringComparison.Ordinal);
        Assert.Contains("start-up, idle", File.ReadAllText(Path.Combine(folder.Path, "report.md")), StringComparison.Ordinal);
        Assert.All(started, pid => Assert.False(Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"))));
    }

    private static async Task AwaitChild(Process bench)
    {
        var begin = Stopwatch.GetTimestamp();
        while (ProcessTree.Under(bench.Id).Count < 2 && Stopwatch.GetElapsedTime(begin) < _patience) await Task.Delay(5); // no event tells of it
    }

    private static Experiment Of(string name, Func<Paths, Effort, IEnumerable<Result>> measure) => new(name, name, "", "", "", "", "", 0, Sets.None, measure);
}
