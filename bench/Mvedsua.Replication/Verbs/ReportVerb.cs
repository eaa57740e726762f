using System.CommandLine;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Verbs;

/// <summary><c>mvedsua-bench report</c>: the report of results that are there.</summary>
internal static class ReportVerb
{
    internal static Command Create()
    {
        var folder = new Argument<string?>("DIR") { Description = "A run's folder (default: the last one's)", Arity = ArgumentArity.ZeroOrOne };
        var docs = new Option<string?>("--docs") { Description = $"Also put the tables into this Markdown file, between the lines '{LastRun.Begin}' and '{LastRun.End}'", HelpName = "FILE" };
        var command = new Command("report", "Makes report.md and report.html anew from a run's results.json.") { folder, docs };
        command.SetAction(parsed =>
        {
            var from = parsed.GetValue(folder) ?? RunFolder.Last(new Paths(Path.Combine(Paths.Root, "out")));
            var run = RunFile.Read(from);
            if (!Directory.Exists(from)) from = Path.GetDirectoryName(Path.GetFullPath(from))!;
            if (parsed.GetValue(docs) is { } file)
                File.WriteAllText(file, LastRun.Replace(File.ReadAllText(file), MarkdownReport.Body(run, [.. run.Outcomes.Select(o => new Section(o, []))], 3).Trim()));
            Console.WriteLine($"report: {Report.Write(run, from)}");
            return (int)Exit.Ok;
        });
        return command;
    }
}
