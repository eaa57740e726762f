using System.Globalization;
using Mvedsua.Coordinator.Launch;
using Spectre.Console;

namespace Mvedsua.Cli.Output;

/// <summary>inspect's findings: what the file is, its objects, the verdict.</summary>
internal static class InspectText
{
    internal static void Write(IAnsiConsole console, Inspection found)
    {
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) }).AddColumn();
        Add("file", found.File);
        if (found.Executable != found.File) Add("runs", found.Executable);
        if (found.Interpreter is not null) Add("loader", found.Interpreter);
        if (found.Libc is not null) Add("glibc", found.Libc);
        if (found.BuildId is not null) Add("build id", found.BuildId);
        console.Write(grid);
        if (found.Objects.Count > 0) WriteObjects(console, found.Objects);
        console.WriteLine();
        if (found.Refusals.Count == 0)
        {
            var sites = found.Objects.Sum(o => o.Sites.Syscall);
            console.MarkupLine(CultureInfo.InvariantCulture, "[green]can be run[/]: {0} syscall instructions in {1} objects", sites, found.Objects.Count);
        }
        else
        {
            console.MarkupLine("[red]would be refused[/]");
            foreach (var refusal in found.Refusals) DoctorText.Explain(console, refusal.Name, refusal.Message);
        }

        void Add(string what, string text) => grid.AddRow($"[grey]{what}[/]", Markup.Escape(text));
    }

    private static void WriteObjects(IAnsiConsole console, IReadOnlyList<InspectedObject> objects)
    {
        console.WriteLine();
        var table = Terminal.Table("SITES", "KIND", "OBJECT");
        table.Columns[0].Alignment = Justify.Right;
        table.Columns[0].NoWrap = true;
        table.Columns[1].NoWrap = true;
        foreach (var o in objects)
        {
            var note = o.Note is null ? "" : $" [yellow]({Markup.Escape(o.Note)})[/]";
            table.AddRow(o.Sites.Syscall.ToString(CultureInfo.InvariantCulture), o.Kind, Markup.Escape(o.Path) + note);
        }

        console.Write(table);
    }
}
