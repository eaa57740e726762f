using Mvedsua.Rules.Language;

namespace Mvedsua.Cli.Output;

/// <summary>Prints problems as compilers do: place and sentence, the line, a mark below it.</summary>
internal static class ProblemText
{
    private const int Width = 160; // of the part of a line that is shown

    internal static void Write(string path, string text, IEnumerable<Problem> problems)
    {
        var lines = text.Split('\n');
        foreach (var problem in problems)
        {
            Console.WriteLine($"{path}:{problem}");
            var line = lines[Math.Min(problem.At.Line, lines.Length) - 1].TrimEnd('\r');
            if (line.Length == 0 || line.Length > Width) continue;
            // Tabs stay, so that the mark stands below its place however wide they are.
            var before = line[..Math.Min(problem.At.Column - 1, line.Length)];
            Console.WriteLine($"    {line}");
            Console.WriteLine($"    {string.Concat(before.Select(c => c == '\t' ? '\t' : ' '))}^");
        }
    }
}
