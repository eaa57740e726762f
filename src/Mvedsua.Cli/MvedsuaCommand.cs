using System.CommandLine;
using Mvedsua.Cli.Verbs;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli;

/// <summary>The command line: all verbs.</summary>
internal static class MvedsuaCommand
{
    internal static RootCommand Create()
    {
        var client = new SessionClient(Revival.StartAsync);
        var root = new RootCommand("Runs unmodified servers so that they survive crashes and updates without their clients noticing.")
        {
            RunVerb.Create(),
            StatusVerb.Create(client),
            FollowVerb.CreateFollow(client),
            FollowVerb.CreateUnfollow(client),
            UpdateVerb.Create(client),
            PromoteVerb.Create(client),
            UpdateVerb.CreateCommit(client),
            UpdateVerb.CreateRollback(client),
            TraceVerb.Create(client),
            ReportVerb.Create(client),
            DoctorVerb.Create(),
            InspectVerb.Create(),
            RulesVerb.Create(),
            CompletionVerb.Create(),
            AttachVerb.Create(),
        };
        Examples.AddTo(root);
        root.Add(new DiagramDirective()); // "mvedsua [diagram] …" shows how a command line is understood
        return root;
    }

    /// <summary>A command's name with those of the verbs above it: "rules check". The root's: "".</summary>
    internal static string PathOf(Command command) =>
        command is RootCommand ? "" : $"{PathOf(command.Parents.OfType<Command>().First())} {command.Name}".TrimStart();
}
