using Mvedsua.Replication.Measuring;

namespace Mvedsua.Bench.Tests;

public sealed class BootstrapTests
{
    [Fact]
    public void The_interval_of_one_value_again_and_again_is_that_value()
    {
        Assert.Equal(new Bounds(3, 3), Bootstrap.OfMedian(Sample.Of([3, 3, 3, 3, 3, 3])));
    }

    [Fact]
    public void Too_few_measurements_have_no_interval()
    {
        Assert.Null(Bootstrap.OfMedian(Sample.Of([1, 2, 3, 4, 5]))); // smallest to largest would hold the median in 15 of 16 cases
        Assert.Null(Bootstrap.OfMedian(new Sample(1, 1, 1, 1000))); // a program's own summary
        Assert.Null(Bootstrap.OfTwo(Sample.Of([1, 2, 3, 4, 5, 6]), Sample.Of([1])));
    }

    [Fact]
    public void The_interval_lies_within_the_sample_and_holds_its_median_and_is_the_same_each_time()
    {
        var sample = Normal(new Random(1), 21, 10, 2);
        var interval = Bootstrap.OfMedian(sample)!.Value;
        Assert.True(interval.Contains(sample.Median));
        Assert.InRange(interval.Low, sample.Min, sample.Median);
        Assert.InRange(interval.High, sample.Median, sample.Max);
        Assert.Equal(interval, Bootstrap.OfMedian(sample));
    }

    /// <summary>Of many samples of a distribution whose median is known, nearly all intervals hold it, and not all: the 95 % are meant. The bounds are more than
    /// three standard deviations from what is known of them (93 to 98.5 %).</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(9)]
    [InlineData(13)]
    [InlineData(31)]
    public void Nineteen_of_twenty_intervals_hold_the_true_median(int size)
    {
        const int Samples = 600;
        var random = new Random(size);
        int held = Enumerable.Range(0, Samples).Count(_ => Bootstrap.OfMedian(Normal(random, size, 5, 1))!.Value.Contains(5));
        Assert.InRange(held, Samples * 0.89, Samples - 1);
    }

    /// <summary>The median of exponential times is ln 2 of their mean, 1: the intervals are of the median.</summary>
    [Fact]
    public void The_interval_is_of_the_median_where_the_mean_is_another()
    {
        const int Samples = 100, Size = 300; // the mean is five standard deviations of the median away from it
        var random = new Random(7);
        var intervals = Enumerable.Range(0, Samples).Select(_ => Bootstrap.OfMedian(Sample.Of(Enumerable.Range(0, Size).Select(_ => -Math.Log(1 - random.NextDouble()))))!.Value).ToList();
        Assert.InRange(intervals.Count(i => i.Contains(Math.Log(2))), Samples * 0.87, Samples);
        Assert.InRange(intervals.Count(i => i.Contains(1)), 0, Samples * 0.05);
    }

    [Fact]
    public void More_confidence_is_a_wider_interval()
    {
        var sample = Normal(new Random(3), 15, 1, 0.1);
        var (usual, sure) = (Bootstrap.OfMedian(sample)!.Value, Bootstrap.OfMedian(sample, 0.999)!.Value);
        Assert.True(sure.Low < usual.Low && usual.High < sure.High);
    }

    [Fact]
    public void Of_two_samples_the_ratio_and_the_difference_are_found()
    {
        var random = new Random(5);
        var (difference, ratio) = Bootstrap.OfTwo(Normal(random, 40, 10, 0.1), Normal(random, 40, 12, 0.1))!.Value;
        Assert.True(difference.Contains(2), $"{difference}");
        Assert.True(ratio!.Value.Contains(1.2), $"{ratio}");
        Assert.InRange(ratio.Value.High - ratio.Value.Low, 0.0001, 0.03);
        Assert.Null(Bootstrap.OfTwo(Sample.Of([-1, -1, 1, 1, 1, 2]), Sample.Of([1, 2, 3, 4, 5, 6]))!.Value.Ratio);
    }

    private static Sample Normal(Random random, int count, double mean, double deviation) => Sample.Of(Enumerable.Range(0, count)
        .Select(_ => mean + deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())));
}
