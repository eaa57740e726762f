using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Bench.Tests;

public sealed class ResultTests
{
    private static readonly Sample _twenty = new(20e-9, 18e-9, 30.04e-9, 5);

    [Fact]
    public void A_goal_is_met_up_to_and_including_it()
    {
        Assert.Equal("met", new Result("x", _twenty, Unit.Nanoseconds, 20e-9).Verdict);
        Assert.Equal("missed", new Result("x", _twenty, Unit.Nanoseconds, 19.9e-9).Verdict);
        Assert.Equal("", new Result("x", _twenty, Unit.Nanoseconds).Verdict);
    }

    [Fact]
    public void Throughput_must_be_at_least_its_goal()
    {
        var share = new Sample(0.75, 0.6, 0.9, 5);
        Assert.Equal("met", new Result("x", share, Unit.Percent, 0.75, AtLeast: true).Verdict);
        Assert.Equal("missed", new Result("x", share, Unit.Percent, 0.76, AtLeast: true).Verdict);
        Assert.Equal("≥ 75.00 %", new Result("x", share, Unit.Percent, 0.75, AtLeast: true).GoalText);
    }

    [Fact]
    public void An_experiment_that_others_disturbed_is_marked()
    {
        var outcome = Runs.Outcome("load", _twenty);
        Assert.Equal(["disturbed: other processes used 1.3 cores meanwhile"], Conditions.Of(outcome with { DisturbedCores = 1.3 }));
        Assert.Empty(Conditions.Of(outcome with { DisturbedCores = Disturbance.Tolerated }));
    }

    [Fact]
    public void The_interval_is_printed_in_the_unit_and_a_dash_where_there_is_none()
    {
        Assert.Equal("20.0–20.0", new Result("x", Sample.Of([20e-9, 20e-9, 20e-9, 20e-9, 20e-9, 20e-9]), Unit.Nanoseconds).ConfidenceText);
        Assert.Equal("–", new Result("x", _twenty, Unit.Nanoseconds).ConfidenceText);
    }

    [Fact]
    public void What_is_left_out_says_why_and_is_neither_met_nor_missed()
    {
        var leftOut = Result.LeftOut("x", "perf is not installed") with { Goal = 1 };
        Assert.Equal(("left out", "", "perf is not installed"), (leftOut.Measured, leftOut.Verdict, leftOut.Note));
    }

    [Fact]
    public void Median_and_spread_are_printed_in_the_unit()
    {
        Assert.Equal("20.0 ns [18.0–30.0]", new Result("x", _twenty, Unit.Nanoseconds).Measured);
        Assert.Equal("1.50 MiB [1.00–2.00]", new Result("x", new Sample(1.5 * (1 << 20), 1 << 20, 2 << 20, 2), Unit.MebiBytes).Measured);
        Assert.Equal("1.012 × [1.000–1.100]", new Result("x", new Sample(1.0119, 1, 1.1, 5), Unit.Ratio).Measured);
    }

    [Fact]
    public void The_table_is_Markdown_with_aligned_columns_and_without_those_that_nobody_needs()
    {
        var lines = Table.Format([new Result("one", _twenty, Unit.Nanoseconds, 1e-9, Note: "why"), new Result("a longer name", _twenty, Unit.Ratio)]).Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.All(lines, l => Assert.Equal(lines[0].Length, l.Length));
        Assert.Equal(["what", "measured [min–max]", "goal", "verdict", "note"], lines[0].Split('|', StringSplitOptions.RemoveEmptyEntries).Select(c => c.Trim()));
    }

    [Fact]
    public void A_rate_has_a_column_where_any_row_has_one()
    {
        var lines = Table.Format([new Result("one", _twenty, Unit.Nanoseconds) { Rate = 21_500 }, new Result("two", _twenty, Unit.Nanoseconds)]).Split('\n');
        Assert.Matches(@"^\| what \| rate +\| measured", lines[0]);
        Assert.Matches(@"^\| one  \| 21\.5 k/s \| 20\.0 ns", lines[2]);
        Assert.Matches(@"^\| two  \| – +\| 20\.0 ns", lines[3]);
    }

    [Fact]
    public void A_run_replaces_the_last_one_and_nothing_else()
    {
        var once = LastRun.Replace($"head\n{LastRun.Begin}\nold\n{LastRun.End}\ntail\n", "new");
        Assert.Equal($"head\n{LastRun.Begin}\nnew\n{LastRun.End}\ntail\n", once);
        Assert.Equal(once, LastRun.Replace(once, "new"));
        Assert.Throws<BenchException>(() => LastRun.Replace("no marks", "new"));
    }
}
