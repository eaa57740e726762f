using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication;

/// <summary>The results as a Markdown table with aligned columns: readable as it is, and in docs/measurements.md.</summary>
internal static class Table
{
    private static readonly string[] _head = ["what", "measured [min–max]", "goal", "", "prototype or floor", "published", "note"];

    internal static string Format(IReadOnlyList<Result> results)
    {
        string[][] rows = [_head, .. results.Select(r => new[] { r.What, r.Measured, r.GoalText, r.Verdict, r.Floor, r.Published, r.Note })];
        var widths = Enumerable.Range(0, _head.Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        var lines = rows.Select(r => "| " + string.Join(" | ", r.Select((cell, c) => cell.PadRight(widths[c]))) + " |").ToList();
        lines.Insert(1, "|" + string.Join("|", widths.Select(w => new string('-', w + 2))) + "|");
        return string.Join('\n', lines);
    }
}
