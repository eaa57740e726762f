using Mvedsua.Replication.Rows;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Mvedsua.Replication.Figures;

/// <summary>Bars in groups, a colour for each series, with their spread: as Varan's figure of the servers by number of followers.</summary>
internal static class BarPlot
{
    private const int Height = 560;

    // Told apart also without colours: from dark to light.
    private static readonly Color[] _colors = [new(0x08, 0x30, 0x6b), new(0x21, 0x71, 0xb5), new(0x6b, 0xae, 0xd6), new(0xc6, 0xdb, 0xef), new(0xfd, 0xae, 0x6b), new(0xe6, 0x55, 0x0d)];

    internal static void Draw(string path, IReadOnlyList<Result> results)
    {
        string[] groups = [.. results.Select(r => r.Bar!.Group).Distinct()], series = [.. results.Select(r => r.Bar!.Series).Distinct()];
        var plot = Canvas.New();
        var step = series.Length + 1.0;
        foreach (var result in results)
        {
            var at = Array.IndexOf(groups, result.Bar!.Group) * step + Array.IndexOf(series, result.Bar.Series);
            var bar = plot.Add.Bar(at, result.Value.Median * 100);
            bar.Color = _colors[Array.IndexOf(series, result.Bar.Series) % _colors.Length];
            var spread = plot.Add.Line(at, result.Value.Min * 100, at, result.Value.Max * 100);
            (spread.LineWidth, spread.LineColor, spread.MarkerSize) = (1.5f, Colors.Black, 0);
        }

        plot.Add.HorizontalLine(100, width: 1, color: Colors.Gray, pattern: LinePattern.Dashed);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. groups.Select((_, g) => g * step + (series.Length - 1) / 2.0)], groups);
        plot.Axes.SetLimitsX(-1, groups.Length * step - 1);
        plot.Axes.SetLimitsY(0, Math.Max(105, results.Max(r => r.Value.Max) * 105));
        plot.YLabel($"{results[0].Bar!.Figure}, in %");
        plot.ShowLegend([.. series.Select((s, i) => new LegendItem { LabelText = s, FillColor = _colors[i % _colors.Length] })]);
        // Beside the bars: inside it would hide some.
        plot.ShowLegend(Edge.Right);
        plot.Save(path, Height);
    }
}
