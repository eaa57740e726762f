using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua follow</c> and <c>unfollow</c>: gives a running server a follower, and ends it.</summary>
internal static class FollowVerb
{
    internal static Command CreateFollow(ISessionClient client) => Create(
        "follow", "Gives a running server a follower; returns once it is in step.", client.FollowAsync);

    internal static Command CreateUnfollow(ISessionClient client) => Create(
        "unfollow", "Ends a server's follower; the server goes on alone.", client.UnfollowAsync);

    private static Command Create(string verb, string description, Func<string, CancellationToken, Task<string>> ask)
    {
        var name = SessionArgument.Required("The session");
        var command = new Command(verb, description) { name };
        command.SetAction(async (parsed, cancel) =>
        {
            Console.WriteLine(await ask(parsed.GetRequiredValue(name), cancel));
            return (int)ExitStatus.Ok;
        });
        return command;
    }
}
