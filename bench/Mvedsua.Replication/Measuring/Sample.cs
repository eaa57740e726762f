namespace Mvedsua.Replication.Measuring;

/// <summary>The median of several measurements, with the smallest and the largest.</summary>
internal sealed record Sample(double Median, double Min, double Max, int Count)
{
    /// <summary>Of what was not measured.</summary>
    internal static Sample None { get; } = new(double.NaN, double.NaN, double.NaN, 0);

    internal static Sample Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        if (sorted.Length == 0) throw new ArgumentException("no measurements", nameof(values));
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Sample(median, sorted[0], sorted[^1], sorted.Length);
    }

    /// <summary>Of the ratios within each pair: what drifts from round to round falls out.</summary>
    internal static Sample OfRatios(IReadOnlyList<double> measured, IReadOnlyList<double> reference) =>
        Of(Pairs(measured, reference).Select(p => p.Measured / p.Reference));

    /// <summary>Of the differences within each pair.</summary>
    internal static Sample OfDifferences(IReadOnlyList<double> measured, IReadOnlyList<double> reference) =>
        Of(Pairs(measured, reference).Select(p => p.Measured - p.Reference));

    private static IEnumerable<(double Measured, double Reference)> Pairs(IReadOnlyList<double> measured, IReadOnlyList<double> reference) =>
        measured.Count == reference.Count
            ? measured.Zip(reference)
            : throw new ArgumentException($"{measured.Count} measurements, {reference.Count} references", nameof(measured));
}
