using Mvedsua.Replication.Measuring;

namespace Mvedsua.Bench.Tests;

public sealed class SampleTests
{
    [Fact]
    public void The_median_of_an_odd_number_is_the_middle_one_whatever_the_order()
    {
        Assert.Equal((3, 1, 100, 5), Figures(Sample.Of([100, 2, 3, 1, 4])));
    }

    [Fact]
    public void The_median_of_an_even_number_is_the_mean_of_the_middle_two()
    {
        Assert.Equal((2.5, 1, 9, 4), Figures(Sample.Of([9, 2, 3, 1])));
    }

    [Fact]
    public void All_measurements_are_kept_in_their_order()
    {
        Assert.Equal([9, 2, 3, 1], Sample.Of([9, 2, 3, 1]).Values);
    }

    [Fact]
    public void No_measurements_have_no_median()
    {
        Assert.Throws<ArgumentException>(() => Sample.Of([]));
    }

    /// <summary>The machine becomes ten times slower in the last round; the ratio of each pair stays.</summary>
    [Fact]
    public void Ratios_are_taken_within_a_pair_so_that_drift_falls_out()
    {
        Assert.Equal((2, 2, 3, 3), Figures(Sample.OfRatios([2, 4, 60], [1, 2, 20])));
    }

    [Fact]
    public void Differences_are_taken_within_a_pair()
    {
        Assert.Equal((5, 1, 10, 3), Figures(Sample.OfDifferences([11, 25, 110], [10, 20, 100])));
    }

    [Fact]
    public void Unequal_numbers_of_rounds_are_no_pairs()
    {
        Assert.Throws<ArgumentException>(() => Sample.OfRatios([1, 2], [1]).Median);
    }

    private static (double Median, double Min, double Max, int Count) Figures(Sample s) => (s.Median, s.Min, s.Max, s.Count);
}
