using System.CommandLine;
using Mvedsua.Abi.Elf;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Drafts;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Types;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua update --dry-run</c> and <c>--draft</c>: what two files tell of an update. No server is touched.</summary>
internal static class UpdatePreview
{
    /// <summary>Prints a dry run.</summary>
    /// <param name="from">The old version's program.</param>
    /// <param name="to">The new version's.</param>
    /// <param name="description">The update description; null without one.</param>
    /// <param name="rules">The folder of its rules; null without.</param>
    /// <returns>Whether the description leaves nothing open that must be said of types, and the new version can be linked into a process of the old one.</returns>
    internal static ExitStatus DryRun(string from, string to, string? description, string? rules) => Explain(() =>
    {
        using var old = DebugFile.Open(from);
        using var @new = DebugFile.Open(to);
        var said = description is null ? Description.Empty : Description.Load(description, old, @new);
        var run = Mvedsua.Update.Drafts.DryRun.Of(Comparison.Of(old, @new, said.Hints));
        DryRunText.Write(Console.Out, run);
        var isPossible = run.IsPossible && WriteLinking(from, to, description);
        if (rules is not null) WriteRules(UpdateRules.Load(rules));
        return isPossible ? ExitStatus.Ok : ExitStatus.CheckFailed;
    });

    /// <summary>What linking the new version into a process of the old one would be refused for, as far as the files show it.</summary>
    private static bool WriteLinking(string from, string to, string? description)
    {
        const ulong anywhere = 0x5555_5555_4000;
        try
        {
            using var types = TypedUpdate.Prepare(from, to, description);
            ElfFile old = ElfFile.Read(from), @new = ElfFile.Read(to);
            var match = Relinker.Prepare(LinkedImage.First(old, anywhere), old, @new, types.Options).Match;
            Console.WriteLine($"Linking: {match.Pairs.Count} functions, variables and constants are in both versions, {match.Added.Count} new, {match.Removed.Count} gone.");
            if (types.Description.Resume is null && MainFunction.Resumes(@new)) Console.WriteLine("The new version goes on at main, which asks mvedsua_is_updating().");
            else if (types.Description.Resume is null) Console.WriteLine(types.Description.At is { IsPoint: true }
                ? "Where the new version goes on must be said yet: resume FUNCTION(ARGUMENTS)."
                : "Where the new version goes on is found as the update is made: the function below main in which the main thread waits; or say resume FUNCTION(ARGUMENTS).");
            return true;
        }
        catch (Exception e) when (e is UpdateRefusedException or ElfException)
        {
            Console.WriteLine($"Linking would be refused: {e.Message}");
            return false;
        }
    }

    private static void WriteRules(UpdateRules rules)
    {
        foreach (var line in rules.Warnings.Prepend($"Rules that can be used: {rules.Summary}.")) Console.WriteLine(line);
    }

    /// <summary>Prints the first draft of a description.</summary>
    internal static ExitStatus Draft(string from, string to) => Explain(() =>
    {
        using var old = DebugFile.Open(from);
        using var @new = DebugFile.Open(to);
        Console.Out.Write(Mvedsua.Update.Drafts.Draft.Of(old, @new));
        return ExitStatus.Ok;
    });

    /// <summary>The program that a session runs; it can be read also when its file was replaced since.</summary>
    internal static async Task<string> ProgramOf(ISessionClient client, string name, CancellationToken cancel) =>
        $"/proc/{(await client.StatusAsync(name, cancel)).Leader!.Pid}/exe";

    private static ExitStatus Explain(Func<ExitStatus> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is UpdateRefusedException or FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"mvedsua: {e.Message}");
            return ExitStatus.CheckFailed;
        }
    }
}
