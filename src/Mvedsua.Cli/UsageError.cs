using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli;

/// <summary>A command line that can't be understood: what is wrong with it, and where to read on.</summary>
internal static class UsageError
{
    internal static int Report(ParseResult parsed)
    {
        foreach (var message in parsed.Errors.Select(e => string.Join(' ', e.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.')).Distinct())
            Console.Error.WriteLine($"mvedsua: {message}.");
        var path = MvedsuaCommand.PathOf(parsed.CommandResult.Command);
        var verb = path.Length == 0 ? "" : path + " ";
        Console.Error.WriteLine($"Try 'mvedsua {verb}--help'.");
        return (int)ExitStatus.Usage;
    }
}
