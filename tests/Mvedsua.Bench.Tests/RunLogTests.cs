using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Results;

namespace Mvedsua.Bench.Tests;

public sealed class RunLogTests
{
    /// <summary>Others use 0.5 cores in the second round, and in the third 0.1 s, which the kernel's ticks can't tell from none.</summary>
    [Fact]
    public void A_round_that_others_disturb_is_marked_and_kept()
    {
        var moments = new Queue<Foreign>([new(5, 100), new(5.01, 101), new(6.01, 103), new(6.11, 103.5)]);
        var log = new RunLog(moments.Dequeue);
        var number = 0;
        Assert.Equal([1, 2, 3], log.Repeat("redis", 3, () => ++number));
        var series = Assert.Single(log.Series);
        Assert.Equal(("redis", 3), (series.What, series.Rounds));
        Assert.Equal(new DisturbedRound(2, 0.5), Assert.Single(series.Disturbed));
    }

    /// <summary>Long enough, little is noticed; as a share of a long round it is little again.</summary>
    [Theory]
    [InlineData(0.149, 1, false)]
    [InlineData(0.15, 1, true)]
    [InlineData(0.15, 3.1, false)]
    [InlineData(5.1, 100, true)]
    public void What_is_noticeable_is_more_than_the_clock_s_blur_and_more_than_is_tolerated(double used, double seconds, bool noticeable) =>
        Assert.Equal(noticeable, Disturbance.IsNoticeable(default, new Foreign(used, seconds)));

    [Fact]
    public void Others_never_use_less_than_nothing() => Assert.Equal(0, Disturbance.Cores(new Foreign(5, 1), new Foreign(4.99, 2)));

    [Fact]
    public void The_report_says_which_rounds_of_how_many_and_the_file_keeps_them()
    {
        var outcome = Runs.Outcome("load", Sample.Of([1])) with
        {
            Rounds = [new Series("redis SET", 9, [new(3, 0.42), new(7, 0.1)]), new Series("redis GET", 9, []), new Series("nginx", 2, [new(1, 1.26)])],
        };
        Assert.Equal(["rounds in which other processes used processors noticeably: redis SET 3, 7 of 9 (at most 0.4 cores); nginx 1 of 2 (at most 1.3 cores)"], Conditions.Of(outcome));
        var read = RunFile.Parse("x", Runs.Of(outcome).Text()).Outcomes[0];
        Assert.Equal(Conditions.Of(outcome), Conditions.Of(read));
        Assert.Equal(new DisturbedRound(7, 0.1), read.Rounds![0].Disturbed[1]);
    }

    /// <summary>As a release wrote it that did not look at rounds.</summary>
    [Fact]
    public void A_file_without_rounds_is_read()
    {
        var text = Runs.Of(Runs.Outcome("load", Sample.Of([1]))).Text();
        Assert.Contains(",\n      \"rounds\": null", text, StringComparison.Ordinal);
        var read = RunFile.Parse("x", text.Replace(",\n      \"rounds\": null", "", StringComparison.Ordinal)).Outcomes[0];
        Assert.Null(read.Rounds);
        Assert.Empty(Conditions.Of(read));
    }
}
