using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication.Results;

/// <summary>What came of one experiment.</summary>
/// <param name="Name">The experiment's.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="DisturbedCores">Mean number of cores that others used meanwhile.</param>
/// <param name="Results">Also those from before a failure.</param>
/// <param name="Failure">Why it ended before its end; null: it did not.</param>
/// <param name="LeftOut">Why it was not begun; null: it was.</param>
/// <param name="Rounds">What was measured in rounds, and which of these others disturbed; null: the release that wrote the file did not look.</param>
/// <param name="Servers">That were measured, with their exact versions; null: the same.</param>
internal sealed record Outcome(
    string Name, double Seconds, double DisturbedCores, IReadOnlyList<Result> Results, string? Failure = null, string? LeftOut = null, IReadOnlyList<Series>? Rounds = null,
    IReadOnlyList<string>? Servers = null);

/// <summary>One run: results.json.</summary>
/// <param name="Format">Of this file; another one is refused.</param>
/// <param name="Begun">When the run began.</param>
/// <param name="Effort">How often and how long was measured.</param>
/// <param name="Machine">On what.</param>
/// <param name="Asked">The experiments that were to be made; those that <see cref="Outcomes"/> lacks are missing.</param>
/// <param name="Outcomes">In the order in which they were made.</param>
internal sealed record RunFile(int Format, DateTimeOffset Begun, Effort Effort, Machine Machine, IReadOnlyList<string> Asked, IReadOnlyList<Outcome> Outcomes)
{
    internal const int CurrentFormat = 1;
    internal const string Name = "results.json";

    /// <summary>Asked for and not begun, as a run that was interrupted leaves them.</summary>
    internal IEnumerable<string> Missing => Asked.Except(Outcomes.Select(o => o.Name));

    /// <summary>Of a file, or of the one in a folder. Throws, by name, what can't be read.</summary>
    internal static RunFile Read(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, Name) : path;
        try
        {
            return Parse(file, File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableException($"{file} can't be read: {e.Message.TrimEnd('.')}; 'mvedsua-bench run' writes such files");
        }
    }

    /// <summary>Whole or not at all: an interrupted run keeps the file of the experiment before.</summary>
    internal void Write(string folder)
    {
        var file = Path.Combine(folder, Name);
        File.WriteAllText(file + ".new", Text());
        File.Move(file + ".new", file, overwrite: true);
    }

    internal string Text() => JsonSerializer.Serialize(this, RunFileJson.Default.RunFile) + "\n";

    internal static RunFile Parse(string file, string text)
    {
        try
        {
            using (var document = JsonDocument.Parse(text))
            {
                var format = document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("format", out var number)
                    && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var value)
                    ? value
                    : throw new UnreadableException($"{file} is no result file of mvedsua-bench: it has no format number");
                if (format != CurrentFormat) throw new UnreadableException($"{file} has format {format}, this mvedsua-bench reads format {CurrentFormat}: use the release that wrote it, or measure again");
            }

            return JsonSerializer.Deserialize(text, RunFileJson.Default.RunFile) is { } run
                ? run with { Outcomes = [.. run.Outcomes.Select(OlderRows.Renamed)] }
                : throw new UnreadableException($"{file} is empty");
        }
        catch (JsonException e)
        {
            throw new UnreadableException($"{file} is no result file of mvedsua-bench: {e.Message}");
        }
    }
}

/// <summary>A result file that can't be read; the message names it and says why.</summary>
internal sealed class UnreadableException(string message) : Exception(message);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunFile))]
internal sealed partial class RunFileJson : JsonSerializerContext;
