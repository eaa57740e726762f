using System.Text;
using Mvedsua.Replication.Results;

namespace Mvedsua.Replication.Reports;

/// <summary>report.md, and the part of docs/measurements.md that a run replaces.</summary>
internal static class MarkdownReport
{
    internal static string Whole(RunFile run, IReadOnlyList<Section> sections) =>
        $"# {Report.Title}\n\n{Body(run, sections, 2)}\n{Report.Cite(run)}\n";

    /// <param name="run">The run.</param>
    /// <param name="sections">Its experiments.</param>
    /// <param name="level">Of their headings.</param>
    internal static string Body(RunFile run, IReadOnlyList<Section> sections, int level)
    {
        var text = new StringBuilder();
        foreach (var condition in Conditions.Of(run)) text.Append($"- {condition}\n");
        if (Conditions.Missing(run) is { } missing) text.Append($"\n**{missing}**\n");
        foreach (var section in sections)
        {
            text.Append($"\n{new string('#', level)} {section.Title} (`{section.Outcome.Name}`)\n\n");
            foreach (var (label, fact) in section.Facts) text.Append($"- {label}: {fact.ReplaceLineEndings(" ")}\n");
            if (section.Outcome.Results.Count > 0) text.Append($"\n{Table.Format(section.Outcome.Results)}\n");
            foreach (var picture in section.Pictures) text.Append($"\n![{picture.Caption}]({picture.File}.svg)\n");
        }

        return text.ToString();
    }
}
