using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua attach</c>: becomes the coordinator of a session whose own died. The other verbs start it by
/// themselves when they need it.</summary>
internal static class AttachVerb
{
    internal static Command Create()
    {
        var name = SessionArgument.Required("The session");
        var detach = new Option<bool>("--detach") { Description = "Leave the terminal's session; log to the session's directory", Hidden = true };
        var command = new Command("attach", "Takes over a session whose coordinator died; the other verbs do it when needed.") { name, detach };
        command.SetAction(async (parsed, cancel) =>
        {
            var session = parsed.GetRequiredValue(name);
            var detached = parsed.GetValue(detach);
            if (detached) Detachment.LeaveSession();
            await Host.Create().AttachAsync(session, Ready, cancel);
            return (int)ExitStatus.Ok;

            void Ready()
            {
                Console.Out.WriteLine(Revival.Ready);
                Console.Out.Flush();
                if (detached) Detachment.RedirectOutput(Path.Combine(SessionDirectory.PathOf(session), "coordinator.log"));
            }
        });
        return command;
    }
}
