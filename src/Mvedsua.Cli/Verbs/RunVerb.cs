using System.CommandLine;
using System.CommandLine.Parsing;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua run</c>: starts a server and stays in the foreground with it.</summary>
internal static class RunVerb
{
    internal static Command Create()
    {
        var name = new Option<string?>("--name")
        {
            Description = "The session's name (default: the program's, with a number when that one is taken)",
            HelpName = "NAME",
        };
        var follower = new Option<bool>("--follower") { Description = "Start a follower of the same version with the server" };
        var followers = new Option<int>("--followers")
        {
            Description = "Start so many followers (1 to 3); a new leader is given as many again",
            HelpName = "N",
        };
        var logLimit = new Option<long?>("--log-limit")
        {
            Description = "Most memory that the event logs may use: 64MiB, 1g, 0.25 (of memory; the default)",
            HelpName = "SIZE",
            CustomParser = result => Parse(result, text => (long?)ByteSize.Parse(text)),
        };
        var lagLimit = new Option<LagLimit?>("--lag-limit")
        {
            Description = "End a follower that lags by more: 64MiB, 500ms (default: only the log limit)",
            HelpName = "SIZE|TIME",
            CustomParser = result => Parse(result, LagLimit.Parse),
        };
        var server = new Argument<string[]>("COMMAND")
        {
            Description = "The server and its arguments, after '--'",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("run", "Starts a server, stays in the foreground and exits with the server's status.")
        {
            name, follower, followers, logLimit, lagLimit, server,
        };
        command.Validate(result =>
        {
            // An option that isn't one of these would be taken for the server's name.
            if (result.GetValue(server) is [['-', ..] word, ..]) result.AddError($"'{word}' is not an option of run");
            if (result.GetResult(followers) is null) return;
            if (result.GetValue(followers) is < 1 or > 3) result.AddError("--followers takes 1, 2 or 3");
            if (result.GetValue(follower)) result.AddError("give --follower or --followers N, not both");
        });
        command.SetAction(async (parsed, cancel) =>
        {
            var words = parsed.GetRequiredValue(server);
            while (true)
            {
                var given = parsed.GetValue(name);
                var chosen = given ?? FreeName(SessionName.FromProgram(words[0]));
                var limit = parsed.GetValue(logLimit);
                try
                {
                    var plan = LaunchChecks.Plan(words, chosen, limit);
                    return await Host.Create().RunAsync(plan, new RunOptions(chosen, parsed.GetValue(follower) ? 1 : parsed.GetValue(followers), parsed.GetValue(followers) > 0, limit, parsed.GetValue(lagLimit)), cancel);
                }
                catch (LaunchRefusedException e) when (given is null && e.Refusal.Kind == RefusalKind.SessionNameInUse)
                {
                    // Another one took the name that was free a moment ago.
                }
            }
        });
        return command;
    }

    private static string FreeName(string wanted)
    {
        var name = wanted;
        for (var number = 2; SessionDirectory.IsLive(name); number++) name = $"{wanted}-{number}";
        return name;
    }

    private static T? Parse<T>(ArgumentResult result, Func<string, T> parse)
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return default;
        }
    }
}
