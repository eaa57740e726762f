using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication.Reports;

/// <summary>Results as a table. Columns that none of them needs are left out.</summary>
internal static class Table
{
    private static readonly (string Head, Func<Result, string> Cell)[] _columns =
    [
        ("what", r => r.What), ("rate", r => r.RateText), ("measured [min–max]", r => r.Measured), ("95 %", r => r.ConfidenceText), ("goal", r => r.GoalText), ("verdict", r => r.Verdict),
        ("prototype or floor", r => r.Floor), ("published", r => r.Published), ("note", r => r.Note),
    ];

    private static readonly int[] _always = [0, 2]; // what was measured

    /// <summary>The head, then a row for each result.</summary>
    internal static IReadOnlyList<string[]> Cells(IReadOnlyList<Result> results)
    {
        string[][] all = [[.. _columns.Select(c => c.Head)], .. results.Select(r => _columns.Select(c => c.Cell(r)).ToArray())];
        int[] needed = [.. Enumerable.Range(0, _columns.Length).Where(c => _always.Contains(c) || all.Skip(1).Any(r => r[c] is not ("" or "–")))];
        return [.. all.Select(r => needed.Select(c => r[c]).ToArray())];
    }

    /// <summary>Markdown with aligned columns: readable as it is.</summary>
    internal static string Format(IReadOnlyList<Result> results) => Markdown(Cells(results));

    /// <summary>Of rows of cells, the head first.</summary>
    internal static string Markdown(IReadOnlyList<string[]> rows)
    {
        string[][] escaped = [.. rows.Select(r => r.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ")).ToArray())];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => escaped.Max(r => r[c].Length))];
        var lines = escaped.Select(r => "| " + string.Join(" | ", r.Select((cell, c) => cell.PadRight(widths[c]))) + " |").ToList();
        lines.Insert(1, "|" + string.Join("|", widths.Select(w => new string('-', w + 2))) + "|");
        return string.Join('\n', lines);
    }
}
