using Spectre.Console;

namespace Mvedsua.Cli.Output;

/// <summary>Standard output for tables: as wide as the terminal, or as wide as it takes where nobody looks.</summary>
internal static class Terminal
{
    private const int Unlimited = 4096;

    internal static IAnsiConsole Create()
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) };
        if (Console.IsOutputRedirected)
        {
            settings.Out = new AnsiConsoleOutput(new TrimmingWriter(Console.Out));
            settings.Ansi = AnsiSupport.No;
            settings.ColorSystem = ColorSystemSupport.NoColors;
            settings.Interactive = InteractionSupport.No;
        }

        var console = AnsiConsole.Create(settings);
        if (Console.IsOutputRedirected) console.Profile.Width = Unlimited;
        return console;
    }

    /// <summary>A table without lines, with a bold heading above each column.</summary>
    internal static Table Table(params ReadOnlySpan<string> headings)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var heading in headings) table.AddColumn(new TableColumn($"[bold]{heading}[/]") { Padding = new Padding(0, 0, 2, 0) });
        return table;
    }

    /// <summary>Breaks a sentence at blanks, each line behind an indent.</summary>
    internal static IEnumerable<string> Wrap(string text, int width, string indent)
    {
        var line = indent;
        foreach (var word in text.Split(' '))
        {
            if (line.Length > indent.Length && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = indent;
            }

            line += line.Length > indent.Length ? " " + word : word;
        }

        yield return line;
    }
}
