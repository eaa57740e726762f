namespace Mvedsua.Rules.Language;

/// <summary>Problems as compilers print them: place and sentence, the line, a mark below it. Safe from any thread.</summary>
public static class ProblemText
{
    private const int Width = 160; // of the part of a line that is shown

    /// <summary>Lines for people.</summary>
    /// <param name="path">The file's, as it is to be shown.</param>
    /// <param name="text">What stands in it.</param>
    /// <param name="problems">What is wrong in it.</param>
    public static IEnumerable<string> Lines(string path, string text, IEnumerable<Problem> problems)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(problems);
        var lines = text.Split('\n');
        foreach (var problem in problems)
        {
            yield return $"{path}:{problem}";
            var line = lines[Math.Min(problem.At.Line, lines.Length) - 1].TrimEnd('\r');
            if (line.Length == 0 || line.Length > Width) continue;
            // Tabs stay, so that the mark stands below its place however wide they are.
            var before = line[..Math.Min(problem.At.Column - 1, line.Length)];
            yield return $"    {line}";
            yield return $"    {string.Concat(before.Select(c => c == '\t' ? '\t' : ' '))}^";
        }
    }
}
