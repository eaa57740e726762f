using System.CommandLine;
using System.Text.Json;
using Mvedsua.Cli.Output;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua inspect</c>: what the shim would do with a program and its libraries.</summary>
internal static class InspectVerb
{
    internal static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A program (by path or by name in PATH) or a library" };
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("inspect", "Counts the system-call sites of a program and its libraries; exits with 1 when it can't be run.")
        {
            file, json,
        };
        command.SetAction(parsed =>
        {
            var found = Inspector.Inspect(parsed.GetRequiredValue(file));
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(found, LaunchJson.Default.Inspection));
            else InspectText.Write(Terminal.Create(), found);
            return (int)(found.Refusals.Count == 0 ? ExitStatus.Ok : ExitStatus.CheckFailed);
        });
        return command;
    }
}
