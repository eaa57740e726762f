using Mvedsua.Coordinator.Launch;
using Spectre.Console;

namespace Mvedsua.Cli.Output;

/// <summary>doctor's table, and below it what is to be done, in sentences.</summary>
internal static class DoctorText
{
    private const int SentenceWidth = 78;

    internal static void Write(IAnsiConsole console, IReadOnlyList<SystemCheck> checks, string[] command, IReadOnlyList<LaunchRefusal> refusals)
    {
        var table = Terminal.Table("CHECK", "RESULT", "FOUND");
        foreach (var check in checks) table.AddRow(check.Name, Result(check.Outcome), Markup.Escape(check.Finding));
        console.Write(table);
        foreach (var check in checks.Where(c => c.Cure is not null)) Explain(console, check.Name, check.Cure!);
        if (command.Length == 0) return;
        console.WriteLine();
        if (refusals.Count == 0) console.MarkupLine($"{Markup.Escape(string.Join(' ', command))}: [green]nothing stands against it[/]");
        else console.MarkupLine($"{Markup.Escape(string.Join(' ', command))}: [red]would be refused[/]");
        foreach (var refusal in refusals) Explain(console, refusal.Name, refusal.Message);
    }

    internal static void Explain(IAnsiConsole console, string name, string message)
    {
        console.WriteLine();
        console.MarkupLine($"[bold]{name}[/]");
        foreach (var line in Terminal.Wrap(message, Math.Min(SentenceWidth, console.Profile.Width), "  ")) console.WriteLine(line);
    }

    private static string Result(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok => "[green]ok[/]",
        CheckOutcome.Warning => "[yellow]warning[/]",
        _ => "[red]missing[/]",
    };
}
