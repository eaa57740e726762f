using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli;

/// <summary>The NAME of verbs that talk to a session; the shell completes it from the sessions that exist.</summary>
internal static class SessionArgument
{
    internal static Argument<string> Required(string description) => WithNames(new Argument<string>("NAME") { Description = description });

    internal static Argument<string?> Optional(string description) =>
        WithNames(new Argument<string?>("NAME") { Description = description, Arity = ArgumentArity.ZeroOrOne });

    private static Argument<T> WithNames<T>(Argument<T> argument)
    {
        argument.CompletionSources.Add(_ => SessionDirectory.Names());
        return argument;
    }
}
