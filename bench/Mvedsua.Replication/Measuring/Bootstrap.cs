namespace Mvedsua.Replication.Measuring;

/// <summary>Where a value lies with the confidence asked for.</summary>
internal readonly record struct Bounds(double Low, double High)
{
    internal bool Contains(double value) => Low <= value && value <= High;
}

/// <summary>Of few measurements, from the one to the other by rank: whatever they are distributed like, the median lies outside of the k-th smallest and
/// largest of n as often as fewer than k of n tosses come up heads. Of more, the percentile bootstrap, which says too little of few: the median is taken of as many measurements drawn from the sample, with replacement, thousands of times; the interval
/// holds the middle part of these medians. The draws are the same each time, so that a report made anew says the same.</summary>
internal static class Bootstrap
{
    /// <summary>With fewer measurements an interval would say more than is known.</summary>
    internal const int Fewest = 6;

    /// <summary>From so many on the bootstrap's coverage is what it says.</summary>
    private const int Many = 20;

    internal const double Confidence = 0.95;
    private const int Seed = 20150314;

    /// <summary>Of the median; null: too few measurements.</summary>
    internal static Bounds? OfMedian(Sample sample, double confidence = Confidence) =>
        sample.Values.Count < Many ? ByRank(sample.Values, confidence) : Middle(Medians(sample.Values, new Random(Seed), Draws(confidence)), confidence);

    private static Bounds? ByRank(IReadOnlyList<double> values, double confidence)
    {
        double[] sorted = [.. values.Order()];
        var rank = 0;
        for (double ways = 1, fewer = 1; 2 * fewer / Math.Pow(2, sorted.Length) <= 1 - confidence; fewer += ways)
        {
            rank++;
            ways *= (double)(sorted.Length - rank + 1) / rank;
        }

        return rank == 0 || sorted.Length == 0 ? null : new Bounds(sorted[rank - 1], sorted[^rank]);
    }

    /// <summary>Of the difference and of the ratio of two independent samples' medians, second to first; the ratio is null where the first one's
    /// median may be zero or less. Null altogether: too few measurements.</summary>
    internal static (Bounds Difference, Bounds? Ratio)? OfTwo(Sample first, Sample second)
    {
        if (first.Values.Count < Fewest || second.Values.Count < Fewest) return null;
        var random = new Random(Seed);
        var (a, b) = (Medians(first.Values, random, Draws(Confidence)), Medians(second.Values, random, Draws(Confidence)));
        return (Middle([.. b.Zip(a, (y, x) => y - x)], Confidence), a.All(x => x > 0) ? Middle([.. b.Zip(a, (y, x) => y / x)], Confidence) : null);
    }

    /// <summary>2,000 for 95 %: some 50 medians lie outside on either side, for any confidence.</summary>
    private static int Draws(double confidence) => (int)Math.Ceiling(100 / (1 - confidence));

    // Random's algorithm for a given seed does not change with .NET's versions.
    private static double[] Medians(IReadOnlyList<double> values, Random random, int draws)
    {
        var medians = new double[draws];
        var drawn = new double[values.Count];
        for (var i = 0; i < draws; i++)
        {
            for (var d = 0; d < drawn.Length; d++) drawn[d] = values[random.Next(values.Count)];
            medians[i] = Sample.MedianOf(drawn);
        }

        return medians;
    }

    private static Bounds Middle(double[] medians, double confidence)
    {
        Array.Sort(medians);
        var outside = (int)Math.Round(medians.Length * (1 - confidence) / 2);
        return new Bounds(medians[outside], medians[^(outside + 1)]);
    }
}
