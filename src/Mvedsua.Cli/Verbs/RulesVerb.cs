using System.CommandLine;
using Mvedsua.Coordinator.Control;
using Mvedsua.Rules.Cases;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Inference;
using Mvedsua.Rules.Language;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua rules</c>: what to do with rules before a server runs under them.</summary>
internal static class RulesVerb
{
    internal static Command Create() => new("rules", "Checks, explains, tests and infers the rules that reconcile two versions.")
    {
        CreateCheck(), CreateExplain(), CreateTest(), CreateInfer(),
    };

    private static Command CreateCheck()
    {
        var files = new Argument<string[]>("FILE") { Description = "Rules, or a folder of .rules files", Arity = ArgumentArity.OneOrMore };
        var command = new Command("check", "Reads rules; exits with 1 when one of them is refused.") { files };
        command.SetAction(parsed =>
        {
            var isGood = true;
            foreach (var path in RulesFiles.Expand(parsed.GetRequiredValue(files)))
            {
                var (text, rules) = RulesFiles.Check(path);
                RulesFiles.Show(path, text, rules.Problems);
                isGood &= rules.Rules is not null;
                if (rules.Rules is { } good) Console.WriteLine($"{path}: {Counted(good.Names.Count(), "rule")}, nothing refused");
            }
            return (int)(isGood ? ExitStatus.Ok : ExitStatus.CheckFailed);
        });
        return command;
    }

    private static Command CreateTest()
    {
        var files = new Argument<string[]>("FILE") { Description = "Cases: events of the leader in, calls of the follower out", Arity = ArgumentArity.OneOrMore };
        var rulesFile = RulesOption();
        var command = new Command("test", "Runs cases; exits with 1 when one of them does not hold.") { files, rulesFile };
        command.SetAction(parsed =>
        {
            var (held, failed) = (0, 0);
            foreach (var path in parsed.GetRequiredValue(files))
            {
                var (text, cases, rules) = RulesFiles.Cases(path, parsed.GetValue(rulesFile));
                var runner = new CaseRunner(rules);
                foreach (var result in cases.Select(runner.Run))
                {
                    Console.WriteLine($"{(result.Failures.Count == 0 ? "ok    " : "failed")} {path}:{result.Case.At.Line} {result.Case.Name}");
                    RulesFiles.Show(path, text, result.Failures);
                    if (result.Failures.Count == 0) held++;
                    else failed++;
                }
            }
            Console.WriteLine($"{Counted(held, "case")} held, {failed} failed");
            return (int)(failed == 0 ? ExitStatus.Ok : ExitStatus.CheckFailed);
        });
        return command;
    }

    private static Command CreateExplain()
    {
        var events = new Argument<string>("EVENTS") { Description = "Cases: the leader's events and the follower's calls" };
        var rulesFile = RulesOption();
        var name = new Option<string?>("--case") { Description = "Only the case of this name", HelpName = "NAME" };
        var command = new Command("explain", "Says for each call of the follower why each rule did or did not apply.") { events, rulesFile, name };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(events);
            var (_, cases, rules) = RulesFiles.Cases(path, parsed.GetValue(rulesFile));
            var chosen = parsed.GetValue(name) is { } only ? cases.Where(c => c.Name == only).ToList() : [.. cases];
            if (chosen.Count == 0) throw new SessionException(ExitStatus.CheckFailed, $"{path} has no case '{parsed.GetValue(name)}'.");
            var runner = new CaseRunner(rules);
            foreach (var @case in chosen) Explain(runner.Run(@case));
            return (int)ExitStatus.Ok;
        });
        return command;
    }

    private static Command CreateInfer()
    {
        var files = new Argument<string[]>("TRACES") { Description = "Traces of the same input: OLD NEW, and more such pairs", Arity = ArgumentArity.OneOrMore };
        files.Validators.Add(result =>
        {
            if (result.Tokens.Count % 2 != 0) result.AddError("Traces come in pairs: OLD NEW.");
        });
        var command = new Command("infer", "Finds candidates for rules in traces of both versions; prints a file of rules.") { files };
        command.SetAction(parsed =>
        {
            var traces = parsed.GetRequiredValue(files).Select(path => Trace.Read(path, RulesFiles.Read(path))).ToList();
            foreach (var trace in traces)
                foreach (var problem in trace.Problems) Console.Error.WriteLine($"mvedsua: {trace.Name}:{problem}");
            var pairs = Enumerable.Range(0, traces.Count / 2).Select(i => new TracePair(traces[2 * i], traces[2 * i + 1])).ToList();
            try
            {
                Console.Write(RuleInference.Infer(pairs));
            }
            catch (InvalidOperationException e)
            {
                throw new SessionException(ExitStatus.CheckFailed, e.Message);
            }
            return (int)ExitStatus.Ok;
        });
        return command;
    }

    private static void Explain(CaseResult result)
    {
        Console.WriteLine($"{result.Case.Name}:");
        foreach (var step in result.Steps)
        {
            foreach (var dropped in step.Dropped) Console.WriteLine($"  {dropped}");
            Console.WriteLine($"  {step.Call}: {step.Outcome}");
            foreach (var line in step.Explanation) Console.WriteLine($"      {line}");
        }
        foreach (var failure in result.Failures.Where(failure => failure.At == result.Case.At)) Console.WriteLine($"  {failure.Message}");
    }

    private static Option<string?> RulesOption() =>
        new("--rules") { Description = "The rules; without it, those that the file names in a line 'rules FILE'", HelpName = "FILE" };

    private static string Counted(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}

/// <summary>Reads the files of the verbs above. What can't be read ends the verb with one sentence.</summary>
internal static class RulesFiles
{
    /// <summary>Files as they are, folders as their .rules files, by name.</summary>
    internal static IEnumerable<string> Expand(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            if (!Directory.Exists(path))
            {
                yield return path;
                continue;
            }
            var files = Reading(path, () => Directory.GetFiles(path, "*.rules"));
            if (files.Length == 0) throw new SessionException(ExitStatus.CheckFailed, $"{path} has no .rules file.");
            foreach (var file in files.Order(StringComparer.Ordinal)) yield return file;
        }
    }

    internal static string Read(string path) => Reading(path, () => File.ReadAllText(path));

    /// <summary>Prints what is wrong in a text.</summary>
    internal static void Show(string path, string text, IEnumerable<Problem> problems)
    {
        foreach (var line in ProblemText.Lines(path, text, problems)) Console.WriteLine(line);
    }

    internal static (string Text, CheckedText Rules) Check(string path)
    {
        var text = Read(path);
        return (text, RuleChecker.Check(text));
    }

    /// <summary>Cases and their rules.</summary>
    /// <exception cref="SessionException">One of the files can't be read or is refused; what is wrong in it was printed.</exception>
    internal static (string Text, IReadOnlyList<RuleCase> Cases, RuleSet Rules) Cases(string path, string? rulesPath)
    {
        var text = Read(path);
        var file = CaseParser.Parse(text);
        Refuse(path, text, file.Problems);
        var named = file.RulesPath is { } relative ? Path.Combine(Path.GetDirectoryName(path) ?? "", relative) : null;
        var source = rulesPath ?? named ?? throw new SessionException(ExitStatus.CheckFailed,
            $"{path} does not name its rules; put 'rules FILE' at its head, or give --rules FILE.");
        var (rulesText, rules) = Check(source);
        Refuse(source, rulesText, rules.Problems.Where(problem => problem.Kind == ProblemKind.Error).ToList());
        return (text, file.Cases, rules.Rules!);
    }

    private static void Refuse(string path, string text, IReadOnlyList<Problem> problems)
    {
        if (problems.Count == 0) return;
        Show(path, text, problems);
        throw new SessionException(ExitStatus.CheckFailed, $"{path} is refused.");
    }

    private static T Reading<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SessionException(ExitStatus.CheckFailed, $"{path} can't be read: {e.Message}");
        }
    }
}
