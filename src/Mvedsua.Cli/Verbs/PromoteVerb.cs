using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua promote</c>: a follower leads, and the leader follows it.</summary>
internal static class PromoteVerb
{
    internal static Command Create(ISessionClient client)
    {
        var name = SessionArgument.Required("The session");
        var pid = new Argument<int?>("PID") { Description = "Which of several followers", Arity = ArgumentArity.ZeroOrOne };
        var wait = TimeOption.Create("--wait", "Wait so long (30s, 500ms, 5m) for a follower that is behind, and for child processes of the server to end, and promote it as soon as it is close and they have ended; 3 s if not given");
        var command = new Command("promote", "Makes a follower the leader, and the leader its follower; returns once they have changed places.") { name, pid, wait };
        command.Validate(result =>
        {
            if (result.GetValue(pid) is <= 0) result.AddError("PID is a number above 0");
            if (PromotionPatience.Contradiction(result.GetValue(wait)) is { } contradiction) result.AddError(contradiction);
        });
        command.SetAction(async (parsed, cancel) =>
        {
            Console.WriteLine(await client.PromoteAsync(parsed.GetRequiredValue(name), parsed.GetValue(pid) ?? 0, parsed.GetValue(wait), cancel));
            return (int)ExitStatus.Ok;
        });
        return command;
    }
}
