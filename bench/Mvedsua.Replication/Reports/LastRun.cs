using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Reports;

/// <summary>The part of docs/measurements.md that a run replaces: between two marks.</summary>
internal static class LastRun
{
    internal const string Begin = "<!-- last run -->", End = "<!-- end of last run -->";

    internal static string Replace(string document, string run)
    {
        var begin = document.IndexOf(Begin, StringComparison.Ordinal);
        var end = document.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin) throw new BenchException($"the file has no lines '{Begin}' and '{End}'");
        return $"{document[..(begin + Begin.Length)]}\n{run}\n{document[end..]}";
    }
}
