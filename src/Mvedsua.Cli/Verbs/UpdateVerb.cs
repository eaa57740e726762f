using System.CommandLine;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua update</c>: a follower that runs another version; what that would do, and the first draft of its description.
/// <c>commit</c> and <c>rollback</c>: the end of one of the two versions.</summary>
internal static class UpdateVerb
{
    internal static Command Create(ISessionClient client)
    {
        var name = SessionArgument.Optional("The session");
        var from = new Option<string?>("--from") { Description = "With --dry-run or --draft: the old version's program, instead of a session's", HelpName = "FILE" };
        var to = new Option<string>("--to") { Description = "The new version's program", HelpName = "FILE", Required = true };
        var description = new Option<string?>("--description") { Description = "The update description", HelpName = "FILE" };
        var rules = new Option<string?>("--rules") { Description = "The folder of forward.rules and reverse.rules, by which the two versions are reconciled", HelpName = "DIR" };
        var retry = new Option<int?>("--retry") { Description = "Try again so often when the update fails; instead of what the description says of failures", HelpName = "N" };
        var warmUp = TimeOption.Create("--warm-up", "Return when the new version has been compared for so long (30s, 500ms, 5m) or has ended before");
        var autoPromote = new Option<bool>("--auto-promote") { Description = "With --warm-up: let the new version lead after it" };
        var autoCommit = new Option<bool>("--auto-commit") { Description = "With --auto-promote: end the old version when it has followed for as long again" };
        var wait = TimeOption.Create("--wait", "With --auto-promote: wait so long for a new version that is behind as it is to lead, and for child processes of the server to end; if not given, 3 s and 10 min");
        var dryRun = new Option<bool>("--dry-run") { Description = "Tell what would be converted how, what the description must say, and whether the new version can be linked into the old one's process; exits with 1 when more must be said or it can't" };
        var draft = new Option<bool>("--draft") { Description = "Print the first draft of an update description" };
        var command = new Command("update", "Gives a server a follower that runs another version, and returns once it is compared with the leader. With --dry-run or --draft: no server is touched.")
        {
            name, from, to, description, rules, retry, warmUp, autoPromote, autoCommit, wait, dryRun, draft,
        };
        command.Validate(result =>
        {
            if (result.GetValue(name) is null == result.GetValue(from) is null) result.AddError("Either NAME or --from FILE says what the old version is");
            if (result.GetValue(dryRun) && result.GetValue(draft)) result.AddError("Give --dry-run or --draft, not both");
            if (result.GetValue(from) is not null && !result.GetValue(dryRun) && !result.GetValue(draft)) result.AddError("--from goes with --dry-run or --draft");
            if (result.GetValue(rules) is not null && result.GetValue(draft)) result.AddError("--rules has no use with --draft");
            if ((result.GetValue(dryRun) || result.GetValue(draft)) && (result.GetResult(retry) ?? result.GetResult(warmUp) ?? result.GetResult(autoPromote) ?? result.GetResult(autoCommit) ?? result.GetResult(wait)) is { } idle)
                result.AddError($"{idle.Option.Name} has no use with --dry-run or --draft");
            if (new UpdateOrder("", Retries: result.GetValue(retry), WarmUp: result.GetValue(warmUp), AutoPromote: result.GetValue(autoPromote),
                AutoCommit: result.GetValue(autoCommit), Wait: result.GetValue(wait)).Contradiction is { } contradiction) result.AddError(contradiction);
        });
        command.SetAction(async (parsed, cancel) =>
        {
            if (!parsed.GetValue(dryRun) && !parsed.GetValue(draft))
            {
                var order = new UpdateOrder(Path.GetFullPath(parsed.GetRequiredValue(to)), FullPath(parsed.GetValue(description)), FullPath(parsed.GetValue(rules)),
                    parsed.GetValue(retry), parsed.GetValue(warmUp), parsed.GetValue(autoPromote), parsed.GetValue(autoCommit), parsed.GetValue(wait));
                await foreach (var line in client.UpdateAsync(parsed.GetValue(name)!, order, cancel)) Console.WriteLine(line);
                return (int)ExitStatus.Ok;
            }

            var old = parsed.GetValue(from) ?? await UpdatePreview.ProgramOf(client, parsed.GetValue(name)!, cancel);
            var @new = parsed.GetRequiredValue(to);
            return (int)(parsed.GetValue(draft) ? UpdatePreview.Draft(old, @new) : UpdatePreview.DryRun(old, @new, parsed.GetValue(description), parsed.GetValue(rules)));
        });
        return command;
    }

    /* The coordinator is in another folder. */
    private static string? FullPath(string? path) => path is null ? null : Path.GetFullPath(path);

    internal static Command CreateCommit(ISessionClient client) =>
        CreateEnd("commit", "Ends the old version, once the new one leads; it serves alone from then on.", client.CommitAsync);

    internal static Command CreateRollback(ISessionClient client) =>
        CreateEnd("rollback", "Ends the new version, whether it follows or leads; the old one serves alone from then on.", client.RollbackAsync);

    private static Command CreateEnd(string verb, string what, Func<string, CancellationToken, Task<string>> end)
    {
        var name = SessionArgument.Required("The session");
        var command = new Command(verb, what) { name };
        command.SetAction(async (parsed, cancel) =>
        {
            Console.WriteLine(await end(parsed.GetRequiredValue(name), cancel));
            return (int)ExitStatus.Ok;
        });
        return command;
    }
}
