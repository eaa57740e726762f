using System.Globalization;
using System.Reflection;
using Mvedsua.Replication.Figures;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication.Reports;

/// <summary>Makes the report of a run's folder.</summary>
internal static class Report
{
    internal const string Title = "Mvedsua: measurements beside published ones";

    internal static string Version { get; } = typeof(Report).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Draws, and writes report.md and report.html; returns the latter's path.</summary>
    internal static string Write(RunFile run, string folder)
    {
        Section[] sections = [.. run.Outcomes.Select(o => new Section(o, Draw(o, folder)))];
        File.WriteAllText(Path.Combine(folder, "report.md"), MarkdownReport.Whole(run, sections));
        var page = Path.Combine(folder, "report.html");
        File.WriteAllText(page, HtmlReport.Whole(run, sections, p => File.ReadAllText(Path.Combine(folder, p.File + ".svg"))));
        return page;
    }

    internal static string Cite(RunFile run) => string.Create(CultureInfo.InvariantCulture,
        $"Cite as: Mvedsua {Version}{(run.Machine.Commit is { } commit ? $", commit {commit}" : "")}, mvedsua-bench, run of {run.Begun.UtcDateTime:yyyy-MM-dd HH:mm} UTC on {run.Machine.Processor}, Linux {run.Machine.Kernel}; results.json has every measured value.");

    private static List<Picture> Draw(Outcome outcome, string folder)
    {
        List<Picture> pictures = [];
        Result[] shares = [.. outcome.Results.Where(r => r.IsShare && r.Bar is null)];
        if (shares.Length > 1)
        {
            var file = $"{outcome.Name}-ratios";
            SharePlot.Draw(Path.Combine(folder, file), shares);
            pictures.Add(new(file, "Dot: median; thick line: its 95 % interval; thin line: smallest to largest."));
        }

        foreach (var (figure, number) in outcome.Results.Where(r => r.Bar is not null).GroupBy(r => r.Bar!.Figure).Select((f, i) => (f, i + 1)))
        {
            var file = $"{outcome.Name}-{number}";
            BarPlot.Draw(Path.Combine(folder, file), [.. figure]);
            pictures.Add(new(file, $"{char.ToUpperInvariant(figure.Key[0])}{figure.Key[1..]}; thin lines: smallest to largest."));
        }

        // Drawn as it was measured: its curves are in no result.
        foreach (var (file, caption) in new[] { ("timeline-latency", "Longest request in each 100 ms."), ("timeline-throughput", "Throughput.") })
        {
            if (outcome.Name == "timeline" && File.Exists(Path.Combine(folder, $"{file}.svg"))) pictures.Add(new(file, caption));
        }

        return pictures;
    }
}
