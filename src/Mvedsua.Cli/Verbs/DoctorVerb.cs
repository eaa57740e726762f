using System.CommandLine;
using System.Text.Json;
using Mvedsua.Cli.Output;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua doctor</c>: what is missing on this machine, or for one command.</summary>
internal static class DoctorVerb
{
    internal static Command Create()
    {
        var server = new Argument<string[]>("COMMAND")
        {
            Description = "A server and its arguments, to be checked as 'run' would; it is not started",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var json = new Option<bool>("--json") { Description = "Print JSON (before the COMMAND)" };
        var command = new Command("doctor", "Checks this machine, and a command if one is given; exits with 1 when something is missing.")
        {
            json, server,
        };
        // Options of the server needn't stand behind "--": they are looked at, not obeyed.
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed => Examine(parsed.GetValue(server) ?? [], parsed.GetValue(json)));
        return command;
    }

    private static int Examine(string[] words, bool json)
    {
        var checks = Doctor.Examine();
        IReadOnlyList<LaunchRefusal> refusals = words.Length == 0
            ? []
            : LaunchChecks.Find(words, SessionName.FromProgram(words[0]), logLimit: null);
        // What the machine lacks stands in its table already; a name in use is no matter before a name is chosen.
        var own = refusals.Where(r => r.Kind != RefusalKind.SessionNameInUse && checks.All(c => c.Cure != r.Message)).ToList();
        if (json) Console.WriteLine(JsonSerializer.Serialize(new DoctorResult(checks, own), LaunchJson.Default.DoctorResult));
        else DoctorText.Write(Terminal.Create(), checks, words, own);
        var fine = own.Count == 0 && checks.All(c => c.Outcome != CheckOutcome.Missing);
        return (int)(fine ? ExitStatus.Ok : ExitStatus.CheckFailed);
    }
}
