namespace Mvedsua.Update.Descriptions;

/// <summary>A piece of one line of a description.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in UTF-16 units.</param>
/// <param name="Length">At least 1.</param>
public readonly record struct Position(int Line, int Column, int Length)
{
    internal Position To(Position end) => end.Line == Line ? this with { Length = Math.Max(1, end.Column + end.Length - Column) } : this;
}

/// <summary>Something wrong in a description.</summary>
/// <param name="At">Where.</param>
/// <param name="Cause">What is wrong.</param>
/// <param name="Cure">What to do about it; null when the cause says it.</param>
public sealed record DescriptionError(Position At, string Cause, string? Cure = null)
{
    /// <summary>For people: place, cause, the line with the piece marked, cure.</summary>
    /// <param name="file">The description's path.</param>
    /// <param name="text">Its text.</param>
    public string Show(string file, string text)
    {
        var lines = text.Split('\n');
        var line = At.Line <= lines.Length ? lines[At.Line - 1].TrimEnd('\r') : "";
        var indent = new string([.. line.Take(At.Column - 1).Select(c => c == '\t' ? '\t' : ' ')]).PadRight(At.Column - 1);
        var shown = $"{file}:{At.Line}:{At.Column}: {Cause}\n    {line}\n    {indent}{new string('^', Math.Clamp(At.Length, 1, Math.Max(1, line.Length - At.Column + 2)))}";
        return Cure is null ? shown : $"{shown}\n  {Cure}";
    }
}
