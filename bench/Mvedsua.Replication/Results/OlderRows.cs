using System.Globalization;
using System.Text.RegularExpressions;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication.Results;

/// <summary>Rows of files that older releases wrote, under the names that they have now.</summary>
internal static partial class OlderRows
{
    internal static Outcome Renamed(Outcome outcome) =>
        outcome.Name == "latency" ? outcome with { Results = [.. outcome.Results.Select(WithoutRate)] } : outcome;

    /// <summary>Once the rate stood in the name: "redis: p99 at 21 k/s, solo, beyond native's".</summary>
    internal static Result WithoutRate(Result row) => row.Rate is null && Rate().Match(row.What) is { Success: true } match
        ? row with { What = row.What.Remove(match.Index, match.Length), Rate = double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * 1e3 }
        : row;

    [GeneratedRegex(@" at ([\d.]+) k/s(?=,)")]
    private static partial Regex Rate();
}
