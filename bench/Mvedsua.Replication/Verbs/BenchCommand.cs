using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Results;

namespace Mvedsua.Replication.Verbs;

/// <summary>How mvedsua-bench exits.</summary>
internal enum Exit
{
    Ok = 0,
    NotMeasured = 1,
    Usage = 2,
    Unreadable = 3,
    Interrupted = 130,
}

/// <summary>The command line.</summary>
internal static class BenchCommand
{
    private const string Statuses = """
        Exit statuses:
          0    done; compare: also when rows changed
          1    something could not be measured, or prepared: the message and the report say what
          2    the command line can't be understood
          3    a result file can't be read, or has another format
          130  interrupted; what was measured is kept

        """;

    internal static int Run(string[] arguments)
    {
        var parsed = Create().Parse(arguments.Length == 0 ? ["--help"] : arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var message in parsed.Errors.Select(e => e.Message.TrimEnd('.')).Distinct()) Console.Error.WriteLine($"mvedsua-bench: {message}.");
            Console.Error.WriteLine("Try 'mvedsua-bench --help'.");
            return (int)Exit.Usage;
        }

        try
        {
            // SIGINT and SIGTERM are the run's own: Interruption.
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UnreadableException e)
        {
            return Complain(Exit.Unreadable, e.Message);
        }
        catch (BenchException e)
        {
            return Interruption.Requested ? Complain(Exit.Interrupted, "interrupted") : Complain(Exit.NotMeasured, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Complain(Exit.NotMeasured, e.Message);
        }
    }

    private static RootCommand Create()
    {
        var root = new RootCommand("Measures Mvedsua as the papers measure their systems, and puts their figures beside its own.")
        {
            ListVerb.Create(), RunVerb.Create(), CompareVerb.Create(), ReportVerb.Create(),
        };
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        var help = new HelpOption("--help", "-h") { Recursive = true };
        help.Action = new HelpWithStatuses((HelpAction)help.Action!);
        root.Options.Add(help);
        return root;
    }

    private static int Complain(Exit status, string message)
    {
        Console.Error.WriteLine($"mvedsua-bench: {message}");
        return (int)status;
    }

    private sealed class HelpWithStatuses(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var status = help.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.Write(Statuses);
            return status;
        }
    }
}
