using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Rows;

/// <summary>How a measured number is printed.</summary>
internal enum Unit
{
    Ratio,
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Percent,
    MebiBytes,
    Thousands,
}

/// <summary>Where a result stands in a bar chart.</summary>
/// <param name="Figure">The chart: what its bars show.</param>
/// <param name="Group">Bars that stand together.</param>
/// <param name="Series">A colour of the legend.</param>
internal sealed record Bar(string Figure, string Group, string Series);

/// <summary>One line of the table.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Value">In seconds, bytes, a second, or as a ratio.</param>
/// <param name="Unit">How to print it.</param>
/// <param name="Goal">Null: only for information.</param>
/// <param name="AtLeast">The goal is a lower bound.</param>
/// <param name="Floor">A prototype's figure or the floor.</param>
/// <param name="Published">By other systems.</param>
/// <param name="Note">What else there is to say.</param>
internal sealed record Result(
    string What, Sample Value, Unit Unit, double? Goal = null, bool AtLeast = false, string Floor = "–", string Published = "–", string Note = "")
{
    /// <summary>Its place in a bar chart of the report; null: none.</summary>
    public Bar? Bar { get; init; }

    /// <summary>Requests a second at which it was measured, where the load has a rate; else null. Not in <see cref="What"/>: by that, rows of two runs are found.</summary>
    public double? Rate { get; init; }

    /// <summary>Requests that were lost or answered wrongly: no time makes up for one.</summary>
    public long Noticed { get; init; }

    internal string Verdict => Noticed > 0 ? $"missed: {Noticed} clients noticed" : Value.Count == 0 || Goal is not { } goal ? "" : (AtLeast ? Value.Median >= goal : Value.Median <= goal) ? "met" : "missed";

    /// <summary>A line that says why there is no measurement.</summary>
    internal static Result LeftOut(string what, string why) => new(what, Sample.None, Unit.Ratio, Note: why);

    internal string Measured => Value.Count == 0 ? "left out" : $"{Format(Value.Median)} [{Number(Value.Min)}–{Number(Value.Max)}]";

    /// <summary>Where the median lies, with 95 % confidence.</summary>
    internal string ConfidenceText => Bootstrap.OfMedian(Value) is { } bounds ? $"{Number(bounds.Low)}–{Number(bounds.High)}" : "–";

    /// <summary>Of native's, or of what else it is compared with: drawn in the report.</summary>
    internal bool IsShare => Value.Count > 0 && Unit is (Unit.Ratio or Unit.Percent);

    internal string RateText => Rate is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate / 1e3:0.##} k/s") : "–";

    internal string GoalText => Goal is { } goal ? (AtLeast ? "≥ " : "≤ ") + Format(goal) : "–";

    internal string Format(double value) => Number(value) + Unit switch
    {
        Unit.Ratio => " ×",
        Unit.Nanoseconds => " ns",
        Unit.Microseconds => " µs",
        Unit.Milliseconds => " ms",
        Unit.Percent => " %",
        Unit.Thousands => " k/s",
        _ => " MiB",
    };

    private string Number(double value) => Unit switch
    {
        Unit.Ratio => value.ToString("0.000", CultureInfo.InvariantCulture),
        Unit.Nanoseconds => (value * 1e9).ToString("0.0", CultureInfo.InvariantCulture),
        Unit.Microseconds => (value * 1e6).ToString("0.00", CultureInfo.InvariantCulture),
        Unit.Milliseconds => (value * 1e3).ToString("0.00", CultureInfo.InvariantCulture),
        Unit.Percent => (value * 100).ToString("0.00", CultureInfo.InvariantCulture),
        Unit.Thousands => (value / 1e3).ToString("0.0", CultureInfo.InvariantCulture),
        _ => (value / (1 << 20)).ToString("0.00", CultureInfo.InvariantCulture),
    };
}
