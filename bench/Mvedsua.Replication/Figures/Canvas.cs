using ScottPlot;

namespace Mvedsua.Replication.Figures;

/// <summary>What all drawings have in common.</summary>
internal static class Canvas
{
    internal const int Width = 1200;

    internal static Plot New()
    {
        var plot = new Plot();
        plot.Font.Set("DejaVu Sans");
        return plot;
    }

    /// <summary>PATH.svg and PATH.png.</summary>
    internal static void Save(this Plot plot, string path, int height)
    {
        plot.SavePng($"{path}.png", Width, height);
        plot.SaveSvg($"{path}.svg", Width, height);
    }
}
