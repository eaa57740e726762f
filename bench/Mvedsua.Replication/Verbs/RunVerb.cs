using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Verbs;

/// <summary><c>mvedsua-bench run</c>: measures, prints the tables, writes results and report.</summary>
internal static class RunVerb
{
    private const int LeastSeconds = 8, MostRepetitions = 1000;

    internal static Command Create()
    {
        var names = new Argument<string[]>("NAME") { Description = "Experiments, as 'list' names them (default: those of some 35 minutes, of which timeline takes 19; with --quick, of some 2)", Arity = ArgumentArity.ZeroOrMore };
        var quick = new Option<bool>("--quick") { Description = "Fewer rounds and requests: to see that all is well, not to publish" };
        var all = new Option<bool>("--all") { Description = "All experiments" };
        var repeat = new Option<int?>("--repeat") { Description = $"Repeat everything N times, but for what is measured once and says so (default: {Effort.Full.Rounds} rounds, with --quick {Effort.Quick.Rounds}); intervals need {Bootstrap.Fewest}", HelpName = "N" };
        var pin = new Option<string?>("--pin") { Description = "Use these processors only, for servers, followers and load: 0-1,3", HelpName = "CPUS" };
        var folder = new Option<string?>("--out") { Description = "Where results and report go (default: out/bench/TIME; out/bench/last leads to the last of these)", HelpName = "DIR" };
        var seconds = new Option<double?>("--seconds") { Description = $"Length of the experiment 'timeline' (default: {Effort.Full.TimelineSeconds:0}, with --quick {Effort.Quick.TimelineSeconds:0})", HelpName = "N" };
        names.Validators.Add(result =>
        {
            foreach (var word in result.Tokens.Select(t => t.Value).Where(w => Experiments.All.All(e => e.Name != w)))
                result.AddError($"there is no experiment '{word}': there are {string.Join(", ", Experiments.All.Select(e => e.Name))}");
        });
        Check(repeat, text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is >= 1 and <= MostRepetitions, $"wants a number from 1 to {MostRepetitions}");
        Check(seconds, text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var s) && s is >= LeastSeconds and <= 3600, $"wants a number from {LeastSeconds} to 3600");
        Check(pin, IsList, "wants processors, as 0-1,3");
        var command = new Command("run", "Measures, prints the tables, and writes results and report.") { names, quick, all, repeat, pin, folder, seconds };
        command.Validators.Add(result =>
        {
            if (result.GetResult(all) is { Implicit: false } && result.GetResult(names) is { Tokens.Count: > 0 }) result.AddError("--all and names of experiments exclude each other");
        });
        command.SetAction(parsed =>
        {
            var effort = parsed.GetValue(quick) ? Effort.Quick : Effort.Full;
            if (parsed.GetValue(repeat) is { } times) effort = effort.Repeated(times);
            if (parsed.GetValue(seconds) is { } length) effort = effort with { TimelineSeconds = length };
            var set = parsed.GetValue(quick) ? Sets.Quick : Sets.Default;
            string[] asked = parsed.GetValue(names) ?? [];
            return Run([.. Experiments.All.Where(e => asked.Length > 0 ? asked.Contains(e.Name) : parsed.GetValue(all) || e.Sets.HasFlag(set))],
                effort, parsed.GetValue(pin), parsed.GetValue(folder));
        });
        return command;
    }

    private static int Run(IReadOnlyList<Experiment> experiments, Effort effort, string? pin, string? folder)
    {
        using var watch = Interruption.Watch();
        if (pin is not null) Affinity.Pin(pin);
        var begun = DateTimeOffset.UtcNow;
        var paths = new Paths(Path.Combine(Paths.Root, "out"));
        paths = paths with { Results = RunFolder.Create(paths, folder, begun) };
        var run = new Runner(experiments, effort, paths).Run(begun, Machine.Read(Paths.Root), Console.Out, Console.Error);
        var page = Report.Write(run, paths.Results);
        if (Conditions.Missing(run) is { } missing) Console.WriteLine($"\n{missing}");
        Console.WriteLine($"\nreport: {page}");
        return (int)(Interruption.Requested ? Exit.Interrupted : run.Outcomes.Any(o => o.Failure is not null) ? Exit.NotMeasured : Exit.Ok);
    }

    private static void Check<T>(Option<T> option, Func<string, bool> isRight, string wants) => option.Validators.Add(result =>
    {
        foreach (var token in result.Tokens.Where(t => !isRight(t.Value))) result.AddError($"{option.Name} {wants}, not '{token.Value}'");
    });

    private static bool IsList(string text)
    {
        try
        {
            return Affinity.Parse(text).Count > 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
