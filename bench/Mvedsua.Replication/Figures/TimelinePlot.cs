using System.Globalization;
using ScottPlot;

namespace Mvedsua.Replication.Figures;

/// <summary>Draws the curves, by ScottPlot: PATH-throughput and PATH-latency, each as SVG and PNG.</summary>
internal static class TimelinePlot
{
    private const int Height = 500;

    internal static void Draw(string path, IReadOnlyList<Course> courses, double seconds)
    {
        Plot(courses, seconds, "answers a second, in thousands", i => i.Answers / TimedLoad.Length.TotalSeconds / 1e3).Save($"{path}-throughput", Height);
        /* Where nothing was answered there is no longest request: a gap. */
        var latency = Plot(courses, seconds, "longest request in 100 ms, in ms", i => i.Longest > 0 ? Math.Log10(i.Longest * 1e3) : double.NaN);
        latency.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. Enumerable.Range(-2, 8)], [.. Enumerable.Range(-2, 8).Select(power => Math.Pow(10, power).ToString(CultureInfo.InvariantCulture))]);
        latency.Save($"{path}-latency", Height);
    }

    private static Plot Plot(IReadOnlyList<Course> courses, double seconds, string left, Func<Interval, double> value)
    {
        var plot = Canvas.New();
        foreach (Course course in courses)
        {
            var line = plot.Add.ScatterLine(course.Intervals.Select(i => i.End).ToArray(), course.Intervals.Select(value).ToArray());
            line.LegendText = course.Name;
            line.LineWidth = 1.5f;
        }
        foreach (var (at, name) in new[] { (Timeline.Updated, "update, or stop"), (Timeline.Promoted, "promotion"), (Timeline.Committed, "commit") })
        {
            var mark = plot.Add.VerticalLine(at * seconds, width: 1, color: Colors.Gray, pattern: LinePattern.Dashed);
            mark.LabelText = name;
            mark.LabelOppositeAxis = true;
            mark.LabelBackgroundColor = Colors.White;
            mark.LabelFontColor = Colors.Black;
            mark.ExcludeFromLegend = true;
        }
        plot.Axes.Top.MinimumSize = 30;
        plot.XLabel("seconds");
        plot.YLabel(left);
        plot.Axes.AutoScaleY();
        plot.Axes.SetLimitsX(0, seconds);
        plot.ShowLegend(Edge.Right);
        return plot;
    }
}
