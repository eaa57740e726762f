using Mvedsua.OpenLoad;

namespace Mvedsua.Bench.Tests.OpenLoad;

public sealed class ScheduleTests
{
    [Fact]
    public void At_a_constant_interval_the_moments_are_those_of_the_rate()
    {
        Assert.Equal([1000, 1000 + 250_000_000, 1000 + 500_000_000, 1000 + 750_000_000], Moments(new Schedule(1000, 1, 4, null)));
        Assert.Equal(2000, Moments(new Schedule(0, 2, 1000, null)).Count);
    }

    [Fact]
    public void Random_moments_are_the_seeds_and_keep_the_rate()
    {
        var first = Moments(new Schedule(0, 10, 10_000, 1));
        Assert.Equal(first, Moments(new Schedule(0, 10, 10_000, 1)));
        Assert.NotEqual(first, Moments(new Schedule(0, 10, 10_000, 2)));
        // 100,000 on average, and 316 is their standard deviation.
        Assert.InRange(first.Count, 98_000, 102_000);
        // Of a Poisson process 1/e of the intervals is longer than the mean.
        var longer = first.Zip(first.Skip(1)).Count(p => p.Second - p.First > 100_000);
        Assert.InRange((double)longer / first.Count, 0.35, 0.39);
    }

    private static List<long> Moments(Schedule schedule)
    {
        List<long> moments = [];
        for (; !schedule.IsOver; schedule.Advance()) moments.Add(schedule.Due);
        return moments;
    }
}
