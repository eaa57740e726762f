using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Mvedsua.Replication.Figures;

/// <summary>Ratios, a line each, with their spread.</summary>
internal static class SharePlot
{
    private const int Head = 110, Line = 34;

    internal static void Draw(string path, IReadOnlyList<Result> results)
    {
        var plot = Canvas.New();
        var color = Colors.SteelBlue;
        for (var i = 0; i < results.Count; i++)
        {
            var (value, y) = (results[i].Value, -i);
            Span(plot, value.Min, value.Max, y, 1.5f, color);
            if (Bootstrap.OfMedian(value) is { } bounds) Span(plot, bounds.Low, bounds.High, y, 6, color);
            plot.Add.Marker(value.Median * 100, y, MarkerShape.FilledCircle, 10, Colors.DarkBlue);
        }

        plot.Add.VerticalLine(100, width: 1, color: Colors.Gray, pattern: LinePattern.Dashed);
        plot.Axes.Left.TickGenerator = new NumericManual([.. results.Select((_, i) => (double)-i)], [.. results.Select(r => r.What)]);
        plot.Axes.SetLimitsY(-results.Count + 0.5, 0.5);
        plot.Axes.SetLimitsX(-2, Math.Max(105, results.Max(r => r.Value.Max) * 105));
        plot.XLabel("% of native's, or of what the row names");
        plot.Save(path, Head + Line * results.Count);
    }

    private static void Span(Plot plot, double from, double to, double y, float width, Color color)
    {
        var line = plot.Add.Line(from * 100, y, to * 100, y);
        (line.LineWidth, line.LineColor, line.MarkerSize) = (width, color, 0);
    }
}
