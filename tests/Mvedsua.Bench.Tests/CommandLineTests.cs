using Mvedsua.Replication;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

/// <summary>The command as its users have it.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("there is no experiment 'nope'", "run", "nope")]
    [InlineData("--repeat wants a number from 1 to 1000, not '0'", "run", "--repeat", "0")]
    [InlineData("--seconds wants a number from 8 to 3600, not '7'", "run", "--seconds", "7")]
    [InlineData("--pin wants processors, as 0-1,3, not '1-0'", "run", "--pin", "1-0")]
    [InlineData("--all and names", "run", "--all", "idle")]
    [InlineData("'measure'", "measure")]
    public void A_command_line_that_is_wrong_is_told_and_nothing_is_measured(string message, params string[] words)
    {
        var (status, output, errors) = Bench(words);
        Assert.Equal(2, status);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.Equal("", output);
    }

    [Fact]
    public void Without_words_it_helps()
    {
        var (status, output, errors) = Bench();
        Assert.Equal((0, ""), (status, errors));
        foreach (var word in new[] { "list", "run", "compare", "report", "Exit statuses:", "130  interrupted" }) Assert.Contains(word, output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_experiment_is_listed_and_has_its_own_name()
    {
        var (status, output, _) = Bench("list");
        Assert.Equal(0, status);
        Assert.All(Experiments.All, e => Assert.Contains($"\n{e.Name}: {e.Title}; about", "\n" + output, StringComparison.Ordinal));
        Assert.Equal(Experiments.All.Count, Experiments.All.Select(e => e.Name).Distinct().Count());
        Assert.All(Experiments.All, e => Assert.Equal(e.Source.Length > 0, e.Differs.Length > 0));
    }

    [Fact]
    public void Files_that_are_none_are_refused_by_name()
    {
        using var folder = new Folder();
        var good = Path.Combine(folder.Path, RunFile.Name);
        Runs.Of().Write(folder.Path);
        var other = Path.Combine(folder.Path, "other.json");
        File.WriteAllText(other, Runs.Of().Text().Replace("\"format\": 1", "\"format\": 7", StringComparison.Ordinal));
        var (status, _, errors) = Bench("compare", good, other);
        Assert.Equal(3, status);
        Assert.Contains($"{other} has format 7", errors, StringComparison.Ordinal);
        Assert.Equal(3, Bench("report", Path.Combine(folder.Path, "none")).Status);
        Assert.Equal(0, Bench("compare", folder.Path, good).Status);
    }

    [Fact]
    public void A_report_is_made_anew_also_into_a_document()
    {
        using var folder = new Folder();
        Runs.Of(Runs.Outcome("load", Sample.Of([1, 1, 1, 1, 1]))).Write(folder.Path);
        var document = Path.Combine(folder.Path, "measurements.md");
        File.WriteAllText(document, "head\n<!-- last run -->\nold\n<!-- end of last run -->\ntail\n");
        var (status, output, errors) = Bench("report", folder.Path, "--docs", document);
        Assert.Equal((0, "", $"report: {Path.Combine(folder.Path, "report.html")}\n"), (status, errors, output));
        var text = File.ReadAllText(document);
        Assert.StartsWith("head\n<!-- last run -->\n- 2026-11-27", text, StringComparison.Ordinal);
        Assert.EndsWith("|\n<!-- end of last run -->\ntail\n", text, StringComparison.Ordinal);
        Assert.Contains("### Redis under load", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_measures_on_the_processors_that_it_is_given_and_says_so()
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "one processor: every run is on it");
        using var folder = new Folder();
        var processor = $"{Affinity.Parse(Affinity.Allowed()).Min()}";
        _ = Built.Paths;
        var (status, output, errors) = Bench("run", "getppid", "--quick", "--pin", processor, "--out", folder.Path);
        Assert.True(status == 0, errors);
        Assert.Equal(processor, RunFile.Read(folder.Path).Machine.Pinned);
        Assert.Contains($"pinned to processors {processor}", output, StringComparison.Ordinal);
        Assert.EndsWith($"\nreport: {Path.Combine(folder.Path, "report.html")}\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Processors_that_are_not_there_are_refused()
    {
        using var folder = new Folder();
        var (status, _, errors) = Bench("run", "getppid", "--pin", "1000", "--out", folder.Path);
        Assert.Equal(1, status);
        Assert.Contains("--pin 1000: ", errors, StringComparison.Ordinal);
    }

    private static (int Status, string Output, string Errors) Bench(params string[] words) =>
        Programs.RunToEnd(Built.Bench, words, TimeSpan.FromMinutes(1));
}
