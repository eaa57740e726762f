using Mvedsua.Replication.Measuring;

namespace Mvedsua.Bench.Tests;

public sealed class SampleTests
{
    [Fact]
    public void The_median_of_an_odd_number_is_the_middle_one_whatever_the_order()
    {
        Assert.Equal(new Sample(3, 1, 100, 5), Sample.Of([100, 2, 3, 1, 4]));
    }

    [Fact]
    public void The_median_of_an_even_number_is_the_mean_of_the_middle_two()
    {
        Assert.Equal(new Sample(2.5, 1, 9, 4), Sample.Of([9, 2, 3, 1]));
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
        var sample = Sample.OfRatios([2, 4, 60], [1, 2, 20]);
        Assert.Equal(new Sample(2, 2, 3, 3), sample);
    }

    [Fact]
    public void Differences_are_taken_within_a_pair()
    {
        Assert.Equal(new Sample(5, 1, 10, 3), Sample.OfDifferences([11, 25, 110], [10, 20, 100]));
    }

    [Fact]
    public void Unequal_numbers_of_rounds_are_no_pairs()
    {
        Assert.Throws<ArgumentException>(() => Sample.OfRatios([1, 2], [1]).Median);
    }
}
