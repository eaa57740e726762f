using System.CommandLine;
using System.Text.Json;
using Mvedsua.Cli.Output;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua report</c>: why the last follower was ended.</summary>
internal static class ReportVerb
{
    internal static Command Create(ISessionClient client)
    {
        var name = SessionArgument.Required("The session");
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var command = new Command("report", "Explains why the session's last follower was ended, or its last leader died.") { name, json };
        command.SetAction(async (parsed, cancel) =>
        {
            var report = await client.ReportAsync(parsed.GetRequiredValue(name), cancel);
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(report, PrettyJson.Default.DivergenceReport));
            else Console.Write(ReportText.Format(report));
            return (int)ExitStatus.Ok;
        });
        return command;
    }
}
