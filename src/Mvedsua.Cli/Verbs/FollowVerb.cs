using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua follow</c> and <c>unfollow</c>: gives a running server a follower, and ends it.</summary>
internal static class FollowVerb
{
    internal static Command CreateFollow(ISessionClient client)
    {
        var name = SessionArgument.Required("The session");
        var command = new Command("follow", "Gives a running server a follower, or one more; returns once it is in step.") { name };
        command.SetAction((parsed, cancel) => SayAsync(client.FollowAsync(parsed.GetRequiredValue(name), cancel)));
        return command;
    }

    internal static Command CreateUnfollow(ISessionClient client)
    {
        var name = SessionArgument.Required("The session");
        var pid = new Argument<int?>("PID") { Description = "Which of several followers", Arity = ArgumentArity.ZeroOrOne };
        var all = new Option<bool>("--all") { Description = "End all followers" };
        var command = new Command("unfollow", "Ends a server's follower; the server goes on.") { name, pid, all };
        command.Validate(result =>
        {
            if (result.GetValue(pid) is <= 0) result.AddError("PID is a number above 0");
            if (result.GetValue(all) && result.GetValue(pid) is not null) result.AddError("give a PID or --all, not both");
        });
        command.SetAction((parsed, cancel) => SayAsync(client.UnfollowAsync(
            parsed.GetRequiredValue(name), parsed.GetValue(pid) ?? 0, parsed.GetValue(all), cancel)));
        return command;
    }

    private static async Task<int> SayAsync(Task<string> answer)
    {
        Console.WriteLine(await answer);
        return (int)ExitStatus.Ok;
    }
}
