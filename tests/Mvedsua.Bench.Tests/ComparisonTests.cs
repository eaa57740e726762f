using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Bench.Tests;

public sealed class ComparisonTests
{
    private static readonly Sample _about1 = Sample.Of([0.98, 0.99, 1, 1.01, 1.02, 1, 0.995]);
    private static readonly Sample _about2 = Sample.Of(_about1.Values.Select(v => v * 2));

    [Fact]
    public void Twice_as_much_is_a_change_and_the_same_again_is_none()
    {
        Assert.Equal(Comparison.Changed, Comparison.Verdict(_about1, _about2));
        Assert.Equal(Comparison.Changed, Comparison.Verdict(_about2, _about1));
        Assert.Equal(Comparison.Same, Comparison.Verdict(_about1, _about1));
        Assert.Equal(Comparison.TooFew, Comparison.Verdict(_about1, Sample.Of([5])));
    }

    /// <summary>Differences may be less than nothing, and have no ratio then.</summary>
    [Fact]
    public void Differences_around_zero_are_compared_without_a_ratio()
    {
        Sample zero = Sample.Of([-2, -1, 0, 0, 1, 2]), ten = Sample.Of([8, 9, 10, 10, 11, 12]);
        Assert.Equal(Comparison.Changed, Comparison.Verdict(zero, ten));
        var line = Line(Comparison.Of(Runs.Of(Runs.Outcome("load", zero)), Runs.Of(Runs.Outcome("load", ten))), "the row");
        Assert.Contains("| –", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_has_the_ratio_of_the_medians_with_its_interval()
    {
        var line = Line(Comparison.Of(Runs.Of(Runs.Outcome("load", _about1)), Runs.Of(Runs.Outcome("load", _about2))), "the row");
        Assert.Matches(@"\| load +\| the row +\| 1\.000 × \| 2\.000 × \| 2\.000 \[1\.9\d+–2\.0\d+\] \| changed \|", line);
    }

    [Fact]
    public void Rows_of_one_run_only_and_other_machines_are_named()
    {
        var first = Runs.Of(Runs.Outcome("load", _about1), Runs.Outcome("idle", _about1));
        var second = Runs.Of(Runs.Outcome("load", _about1), Runs.Outcome("locks", _about1));
        second = second with { Machine = second.Machine with { Kernel = "6.2.0", Versions = new Dictionary<string, string> { ["redis-server"] = "7.2.1" } } };
        var text = Comparison.Of(first, second);
        Assert.Contains("only in A: idle: the row", text, StringComparison.Ordinal);
        Assert.Contains("only in B: locks: the row", text, StringComparison.Ordinal);
        Assert.Contains("the machines differ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("the efforts differ", text, StringComparison.Ordinal);
        Assert.Contains("the efforts differ", Comparison.Of(first, second with { Effort = Effort.Full }), StringComparison.Ordinal);
        Assert.Contains("redis-server 7.0.15 in A, 7.2.1 in B", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Servers_that_differ_in_Debians_revision_only_are_named()
    {
        RunFile With(params string[] servers) => Runs.Of(Runs.Outcome("load", _about1) with { Servers = servers });
        const string old = "redis-server 5:7.0.15-1~deb12u9 (Debian)", @new = "redis-server 5:7.0.15-1~deb12u10 (Debian)";
        Assert.Contains($"the servers of load differ: A {old}; B {@new}", Comparison.Of(With(old), With(@new)), StringComparison.Ordinal);
        foreach (var other in new[] { With(old), Runs.Of(Runs.Outcome("load", _about1)) }) Assert.DoesNotContain("servers of", Comparison.Of(With(old), other), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_was_measured_at_another_rate_is_compared_and_says_so()
    {
        var outcome = Runs.Outcome("latency", _about1);
        RunFile At(double rate) => Runs.Of(outcome with { Results = [outcome.Results[0] with { Rate = rate }] });
        Assert.Contains("the row (A at 21 k/s, B at 30 k/s) ", Line(Comparison.Of(At(21_000), At(30_000)), "the row"), StringComparison.Ordinal);
        Assert.Contains("the row |", Line(Comparison.Of(At(21_000), At(21_000)), "the row"), StringComparison.Ordinal);
    }

    private static string Line(string text, string part) => text.Split('\n').Single(l => l.Contains(part, StringComparison.Ordinal));
}
