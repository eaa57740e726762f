using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua completion bash</c>: lets the shell complete verbs, options and session names.</summary>
internal static class CompletionVerb
{
    // [suggest:POSITION] is System.CommandLine's own directive: it answers from the same definitions as the parser.
    private const string Bash = """
        _mvedsua() {
            local word=${COMP_WORDS[COMP_CWORD]}
            mapfile -t COMPREPLY < <(compgen -W "$(mvedsua "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word")
        }
        complete -o default -F _mvedsua mvedsua
        """;

    internal static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash" };
        shell.AcceptOnlyFromAmong("bash");
        var command = new Command("completion", "Prints what makes the shell complete verbs, options and session names.") { shell };
        command.SetAction(_ =>
        {
            Console.WriteLine(Bash);
            return (int)ExitStatus.Ok;
        });
        return command;
    }
}
