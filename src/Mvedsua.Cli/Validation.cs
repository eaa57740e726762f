using System.CommandLine;
using System.CommandLine.Parsing;

namespace Mvedsua.Cli;

/// <summary>Checks of a command line that look at values.</summary>
internal static class Validation
{
    /// <summary>Adds a check that is left out when a value can't be read at all: the parser tells that by itself, but only after it has
    /// run the checks, to which reading such a value is an exception.</summary>
    internal static void Validate(this Command command, Action<CommandResult> check) => command.Validators.Add(result =>
    {
        try
        {
            check(result);
        }
        catch (InvalidOperationException)
        {
        }
    });
}
