using Mvedsua.Replication;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Bench.Tests;

public sealed class RunFileTests
{
    [Fact]
    public void What_is_written_is_read_again_value_for_value()
    {
        using var folder = new Folder();
        RunFile run = Runs.Of(Runs.Outcome("load", Sample.Of([1, 2, 3, 4, 0.1 + 0.2])), new Outcome("idle", 1.5, 0.7, [], "it broke"), new Outcome("update", 0, 0, [], LeftOut: "no network"));
        run.Write(folder.Path);
        var read = RunFile.Read(folder.Path);
        Assert.Equal(run.Text(), read.Text());
        Assert.Equal([1, 2, 3, 4, 0.1 + 0.2], read.Outcomes[0].Results[0].Value.Values);
        Assert.Equal((Unit.Ratio, new Bar("f", "g", "s"), "it broke", "no network"),
            (read.Outcomes[0].Results[0].Unit, read.Outcomes[0].Results[0].Bar, read.Outcomes[1].Failure, read.Outcomes[2].LeftOut));
        Assert.Equal(run.Effort, read.Effort);
        Assert.Equal("7.0.15", read.Machine.Versions["redis-server"]);
    }

    /// <summary>A ratio of nothing to nothing is no number, and must not lose the file.</summary>
    [Fact]
    public void A_value_that_is_no_number_survives()
    {
        RunFile run = Runs.Of(Runs.Outcome("load", Sample.Of([double.NaN, 1, 2, 3, double.PositiveInfinity])));
        Assert.Equal(run.Text(), RunFile.Parse("x", run.Text()).Text());
    }

    [Fact]
    public void Another_format_is_refused_by_name()
    {
        string other = Runs.Of().Text().Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal);
        var refusal = Assert.Throws<UnreadableException>(() => RunFile.Parse("/runs/a/results.json", other));
        Assert.Contains("/runs/a/results.json has format 2", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format\": \"1\"}")]
    [InlineData("{\"format\": 1}")]
    public void What_is_no_result_file_is_refused_by_name(string text)
    {
        Assert.Contains("x.json", Assert.Throws<UnreadableException>(() => RunFile.Parse("x.json", text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told()
    {
        Assert.Contains("/nowhere/results.json", Assert.Throws<UnreadableException>(() => RunFile.Read("/nowhere/results.json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rates_in_the_names_of_an_older_releases_rows_are_taken_out_of_them()
    {
        static Outcome Named(string experiment, string what) => new(experiment, 1, 0, [new Result(what, Sample.Of([1]), Unit.Microseconds)]);
        const string old = "redis: p99.9 at 2.1 k/s, with a follower, beyond native's";
        var read = RunFile.Parse("x", Runs.Of(Named("latency", old), Named("load", old)).Text());
        Assert.Equal(("redis: p99.9, with a follower, beyond native's", 2100.0), (read.Outcomes[0].Results[0].What, read.Outcomes[0].Results[0].Rate!.Value));
        Assert.Equal((old, null), (read.Outcomes[1].Results[0].What, read.Outcomes[1].Results[0].Rate));
    }

    [Fact]
    public void What_an_interrupted_run_did_not_come_to_is_missing()
    {
        RunFile run = Runs.Of(Runs.Outcome("load", Sample.Of([1]))) with { Asked = ["load", "servers", "idle"] };
        Assert.Equal(["servers", "idle"], run.Missing);
    }

    [Theory]
    [InlineData("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "7.0.15")]
    [InlineData("nginx version: nginx/1.22.1", "1.22.1")]
    [InlineData("beanstalkd 1.12", "1.12")]
    [InlineData("lighttpd/1.4.69 (ssl) - a light and fast webserver", "1.4.69")]
    public void A_programs_version_is_found_in_what_it_says(string said, string version) => Assert.Equal(version, Machine.VersionIn(said));

    [Fact]
    public void This_machine_can_be_described()
    {
        var machine = Machine.Read(Path.GetTempPath());
        Assert.InRange(machine.Cores, 1, 4096);
        Assert.InRange(machine.MemoryBytes, 1 << 26, 1L << 50);
        Assert.Null(machine.Commit); // no work tree
        Assert.Contains(machine.Describe(), l => l.Contains("governor", StringComparison.Ordinal) && l.Contains(machine.Kernel, StringComparison.Ordinal));
    }
}
