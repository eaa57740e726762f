using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Reports;

/// <summary>A report that stands on disk.</summary>
internal sealed record StoredReport(string Path, DivergenceReport Report);

/// <summary>The last reports of a session, as report-N.json in its directory: they survive the follower and the
/// coordinator. Safe for concurrent use.</summary>
internal sealed class ReportStore(string directory)
{
    internal const int Kept = 16;
    private readonly Lock _lock = new();
    private DivergenceReport? _unwritten; /* the newest, when the disk had no room for it */

    /// <summary>Whether there is a report.</summary>
    internal bool Any => Numbers().Count > 0;

    /// <summary>Writes the report under the next number and removes the oldest beyond <see cref="Kept"/>.</summary>
    internal StoredReport Store(DivergenceReport report)
    {
        lock (_lock)
        {
            _unwritten = report;
            List<int> numbers = Numbers();
            int number = numbers.Count == 0 ? 1 : numbers[^1] + 1;
            string path = PathOf(number), fresh = path + ".new";
            File.WriteAllBytes(fresh, JsonSerializer.SerializeToUtf8Bytes(report, ReportJson.Default.DivergenceReport));
            File.Move(fresh, path, overwrite: true);
            _unwritten = null;
            foreach (int old in numbers.SkipLast(Kept - 1)) File.Delete(PathOf(old));
            return new StoredReport(path, report);
        }
    }

    /// <summary>The newest report that can be read; null: none. One that could not be written lives as long as this.</summary>
    internal DivergenceReport? Last()
    {
        lock (_lock)
        {
            if (_unwritten is not null) return _unwritten;
            foreach (int number in Enumerable.Reverse(Numbers()))
            {
                try
                {
                    return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(number)), ReportJson.Default.DivergenceReport);
                }
                catch (Exception e) when (e is IOException or JsonException)
                {
                    /* A damaged one hides none before it. */
                }
            }
            return null;
        }
    }

    private List<int> Numbers() => !Directory.Exists(directory) ? [] :
    [
        .. Directory.EnumerateFiles(directory, "report-*.json").Select(Path.GetFileNameWithoutExtension)
            .Select(n => int.TryParse(n.AsSpan("report-".Length), CultureInfo.InvariantCulture, out int number) ? number : 0)
            .Where(n => n > 0).Order(),
    ];

    private string PathOf(int number) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"report-{number}.json"));
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DivergenceReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
