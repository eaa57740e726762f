namespace Mvedsua.Replication.Measuring;

/// <summary>The median of several measurements, with the smallest and the largest.</summary>
internal sealed record Sample(double Median, double Min, double Max, int Count)
{
    /// <summary>Of what was not measured.</summary>
    internal static Sample None { get; } = new(double.NaN, double.NaN, double.NaN, 0);

    /// <summary>All measurements in the order in which they were made; none where only a program's own summary is known.</summary>
    public IReadOnlyList<double> Values { get; init; } = [];

    internal static Sample Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        if (all.Length == 0) throw new ArgumentException("no measurements", nameof(values));
        return new Sample(MedianOf([.. all]), all.Min(), all.Max(), all.Length) { Values = all };
    }

    /// <summary>Of the ratios within each pair: what drifts from round to round falls out.</summary>
    internal static Sample OfRatios(IReadOnlyList<double> measured, IReadOnlyList<double> reference) =>
        Of(Pairs(measured, reference).Select(p => p.Measured / p.Reference));

    /// <summary>Of the differences within each pair.</summary>
    internal static Sample OfDifferences(IReadOnlyList<double> measured, IReadOnlyList<double> reference) =>
        Of(Pairs(measured, reference).Select(p => p.Measured - p.Reference));

    /// <summary>Sorts what it is given.</summary>
    internal static double MedianOf(Span<double> values)
    {
        values.Sort();
        var middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    private static IEnumerable<(double Measured, double Reference)> Pairs(IReadOnlyList<double> measured, IReadOnlyList<double> reference) =>
        measured.Count == reference.Count
            ? measured.Zip(reference)
            : throw new ArgumentException($"{measured.Count} measurements, {reference.Count} references", nameof(measured));
}
