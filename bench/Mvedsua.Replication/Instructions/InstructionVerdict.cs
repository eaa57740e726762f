using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Instructions;

/// <summary>Counts beside those that were accepted.</summary>
/// <param name="Paths">A line for each path.</param>
/// <param name="Notes">What there is to be said and done.</param>
/// <param name="Failed">A path takes more than it may, or is in one of the two only.</param>
internal sealed record InstructionVerdict(IReadOnlyList<string> Paths, IReadOnlyList<string> Notes, bool Failed)
{
    /// <summary>A path may take as much more than its entry before it fails.</summary>
    internal const double Tolerated = 0.03;

    private const string Accept = "make bench-check ACCEPT=1";

    internal static InstructionVerdict Of(IReadOnlyList<InstructionEntry> entries, IReadOnlyDictionary<string, Sample> counts, string compiler)
    {
        var width = counts.Keys.Concat(entries.Select(e => e.Path)).Max(n => n.Length);
        List<string> lines = [], notes = [];
        int more = 0, less = 0;
        foreach (var (path, sample) in counts)
        {
            var count = (int)sample.Median;
            var was = entries.FirstOrDefault(e => e.Path == path)?.Instructions;
            var (worse, better) = (was is { } limit && count > limit * (1 + Tolerated), count < was);
            more += worse ? 1 : 0;
            less += better ? 1 : 0;
            if (was is null) notes.Add($"{path} has no entry");
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{path.PadRight(width)} {was?.ToString(CultureInfo.InvariantCulture) ?? "-",6} -> {count,6}{Spread(sample)}{(worse ? "  TAKES MORE" : better ? "  less" : "")}"));
        }

        notes.AddRange(entries.Where(e => !counts.ContainsKey(e.Path)).Select(e => $"{e.Path} is not counted any more"));
        var failed = more > 0 || notes.Count > 0;
        if (more > 0) notes.Add(string.Create(CultureInfo.InvariantCulture, $"{more} of {counts.Count} paths take more than {Tolerated * 100:0} % beyond what was accepted"));
        if (less > 0) notes.Add($"{less} of {counts.Count} paths take less than what was accepted");
        if (notes.Count > 0) notes.Add($"if that is meant to be: {Accept}, and commit bench/instructions.tsv");
        if (entries.Select(e => e.Compiler).Distinct().Where(c => c != compiler).ToArray() is { Length: > 0 } others)
            notes.Add($"the shim was compiled by {compiler}, the accepted counts are of {string.Join(" and ", others)}: a difference may be the compiler's");
        return new InstructionVerdict(lines, notes, failed);
    }

    private static string Spread(Sample sample) => sample.Min == sample.Max ? "" : string.Create(CultureInfo.InvariantCulture, $" [{sample.Min:0}–{sample.Max:0}]");
}
