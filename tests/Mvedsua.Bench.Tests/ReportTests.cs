using System.Xml.Linq;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Bench.Tests;

public sealed class ReportTests
{
    private static readonly Sample _ratio = Sample.Of([1.1, 1.2, 1.3, 1.25, 1.15, 1.2]);

    [Fact]
    public void The_Markdown_of_a_small_run_is_this()
    {
        const string expected = """
            - 2026-11-27 10:00 UTC
            - A processor, 2 cores, 8.0 GiB of memory, Linux 6.1.0; governor not told by this machine; not pinned; load average 0.50 at the start
            - redis-server 7.0.15; commit abc123
            - medians of 6 interleaved rounds of 15,000 requests [smallest–largest], 95 % bootstrap interval of the median (from 6 values on)

            **Not measured, the run ended before: idle.**

            ### of an older release (`of an older release`)

            - Note: could not be measured to its end: interrupted.
            - Note: disturbed: other processes used 1.5 cores meanwhile.

            | what    | measured [min–max]    | 95 %        | goal      | verdict | published     | note       |
            |---------|-----------------------|-------------|-----------|---------|---------------|------------|
            | the row | 1.200 × [1.100–1.300] | 1.100–1.300 | ≤ 2.000 × | met     | 1.5 somewhere | a \| b <c> |

            """;
        var outcome = Runs.Outcome("of an older release", _ratio) with { Failure = "interrupted", DisturbedCores = 1.5 };
        var run = Runs.Of(outcome) with { Asked = [outcome.Name, "idle"] };
        Assert.Equal(expected, MarkdownReport.Body(run, [new Section(outcome, [])], 3));
    }

    [Fact]
    public void An_experiment_stands_beside_what_was_published()
    {
        var outcome = Runs.Outcome("load", _ratio);
        var text = MarkdownReport.Whole(Runs.Of(outcome), [new Section(outcome, [new Picture("load-1", "Bars.")])]);
        Assert.Contains("\n- Published: Mvedsua, table of the steady state", text, StringComparison.Ordinal);
        Assert.Contains("\n- What differs: Other hardware", text, StringComparison.Ordinal);
        Assert.Contains("\n![Bars.](load-1.svg)\n", text, StringComparison.Ordinal);
        Assert.Contains("Cite as: Mvedsua ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_is_written_with_its_drawings_and_the_page_holds_them()
    {
        using var folder = new Folder();
        Result[] rows = [new("one", _ratio, Unit.Ratio), new("two", _ratio, Unit.Percent), .. from g in new[] { "redis", "nginx" } from s in new[] { "solo", "1 follower" }
            select new Result($"{g} {s}", _ratio, Unit.Percent) { Bar = new Bar("throughput, of native's", g, s) }];
        var run = Runs.Of(new Outcome("followers", 1, 0, rows));
        var page = File.ReadAllText(Report.Write(run, folder.Path));
        foreach (var name in new[] { "followers-ratios.svg", "followers-ratios.png", "followers-1.svg", "followers-1.png", "report.md" })
            Assert.InRange(new FileInfo(Path.Combine(folder.Path, name)).Length, 500, 1 << 20);
        var html = XDocument.Parse(page.Replace("<!DOCTYPE html>", "", StringComparison.Ordinal).Replace("<meta charset=\"utf-8\">", "", StringComparison.Ordinal)
            .Replace("<meta name=\"viewport\" content=\"width=device-width\">", "", StringComparison.Ordinal));
        Assert.Equal(2, html.Descendants("figure").Count());
        Assert.All(html.Descendants("figure"), f => Assert.StartsWith("0 0 1200 ", Assert.Single(f.Elements(), e => e.Name.LocalName == "svg").Attribute("viewBox")!.Value, StringComparison.Ordinal));
        string?[] ids = [.. html.Descendants().Attributes("id").Select(a => a.Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_row_says_is_text_and_no_markup()
    {
        var outcome = Runs.Outcome("load", _ratio);
        var page = HtmlReport.Whole(Runs.Of(outcome), [new Section(outcome, [])], _ => "");
        Assert.Contains("<td>a | b &lt;c&gt;</td>", page, StringComparison.Ordinal);
    }
}
