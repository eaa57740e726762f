using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Mvedsua.Replication.Results;

namespace Mvedsua.Replication.Reports;

/// <summary>report.html: one file without scripts, with its drawings in it, for light and dark screens.</summary>
internal static partial class HtmlReport
{
    private const string Style = """
        :root { color-scheme: light dark; --line: #8886; --faint: #8882; }
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
        table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
        th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
        th { background: var(--faint); }
        .wide { overflow-x: auto; }
        figure { margin: 1rem 0; background: #fff; color: #000; padding: .5rem; border: 1px solid var(--line); border-radius: .3rem; }
        figure svg { width: 100%; height: auto; }
        dt { font-weight: 600; float: left; clear: left; margin-right: .5rem; } dd { margin: 0 0 .2rem 0; }
        .missing { font-weight: 700; }
        """;

    /// <param name="run">The run.</param>
    /// <param name="sections">Its experiments.</param>
    /// <param name="svg">A drawing's SVG text.</param>
    internal static string Whole(RunFile run, IReadOnlyList<Section> sections, Func<Picture, string> svg)
    {
        var text = new StringBuilder($"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{Report.Title}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n<h1>{Report.Title}</h1>\n<ul>\n");
        foreach (var condition in Conditions.Of(run)) text.Append($"<li>{Escape(condition)}</li>\n");
        text.Append("</ul>\n");
        if (Conditions.Missing(run) is { } missing) text.Append($"<p class=\"missing\">{Escape(missing)}</p>\n");
        foreach (var section in sections) Append(text, section, svg);
        text.Append($"<p>{Escape(Report.Cite(run))}</p>\n</body>\n</html>\n");
        return text.ToString();
    }

    private static void Append(StringBuilder text, Section section, Func<Picture, string> svg)
    {
        text.Append($"<h2 id=\"{Escape(section.Outcome.Name)}\">{Escape(section.Title)} <code>{Escape(section.Outcome.Name)}</code></h2>\n<dl>\n");
        foreach (var (label, fact) in section.Facts) text.Append($"<dt>{Escape(label)}</dt><dd>{Escape(fact)}</dd>\n");
        text.Append("</dl>\n");
        if (section.Outcome.Results.Count > 0)
        {
            var rows = Table.Cells(section.Outcome.Results);
            text.Append($"<div class=\"wide\"><table>\n<thead>{Row(rows[0], "th")}</thead>\n<tbody>\n");
            foreach (var row in rows.Skip(1)) text.Append($"{Row(row, "td")}\n");
            text.Append("</tbody></table></div>\n");
        }

        foreach (var picture in section.Pictures)
            text.Append($"<figure>\n{Unique(svg(picture), picture.File)}\n<figcaption>{Escape(picture.Caption)}</figcaption></figure>\n");
    }

    private static string Row(IEnumerable<string> cells, string tag) => $"<tr>{string.Concat(cells.Select(c => $"<{tag}>{Escape(c)}</{tag}>"))}</tr>";

    /// <summary>Without what may stand in a file only, with ids that no other drawing of the page has, and as wide as the page is: a drawing
    /// without a view box is cut off, not made smaller.</summary>
    private static string Unique(string svg, string name) => Size().Replace(svg[svg.IndexOf("<svg", StringComparison.Ordinal)..].Trim(), "$1viewBox=\"0 0 $2 $3\"", 1)
        .Replace("id=\"", $"id=\"{name}-", StringComparison.Ordinal).Replace("url(#", $"url(#{name}-", StringComparison.Ordinal).Replace("href=\"#", $"href=\"#{name}-", StringComparison.Ordinal);

    [GeneratedRegex(@"^(<svg[^>]*?)width=""([\d.]+)"" height=""([\d.]+)""")]
    private static partial Regex Size();

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
