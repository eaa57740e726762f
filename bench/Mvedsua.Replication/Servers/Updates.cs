using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>What a session is updated to.</summary>
/// <param name="To">The new version's program.</param>
/// <param name="Description">The update description.</param>
/// <param name="Rules">The folder of its rules; null without.</param>
internal sealed record NewVersion(string To, string Description, string? Rules = null);

/// <summary>What <c>mvedsua update</c> said, in seconds.</summary>
/// <param name="Stop">How long the leader stood while it was copied.</param>
/// <param name="Ready">From the copy until it is compared.</param>
internal sealed partial record UpdateReply(double Stop, double Ready)
{
    /// <summary>Of "…; the server paused for 0.9 ms; the update took 28 ms; …".</summary>
    internal static UpdateReply Parse(string text)
    {
        var match = Words().Match(text);
        double Seconds(int group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture) / 1e3;
        return match.Success ? new UpdateReply(Seconds(1), Seconds(2)) : throw new BenchException($"mvedsua update said '{text.Trim()}'");
    }

    [GeneratedRegex(@"the server paused for ([\d.]+) ms; the update took ([\d.]+) ms")]
    private static partial Regex Words();
}

/// <summary>The steps of an update.</summary>
internal static class Updates
{
    /// <summary>Returns once the new version is compared with the leader.</summary>
    internal static UpdateReply Update(this Server server, NewVersion version)
    {
        server.Note(version.To);
        return UpdateReply.Parse(server.Do("update", ["--to", version.To, "--description", version.Description, .. version.Rules is { } rules ? new[] { "--rules", rules } : []]));
    }

    /// <summary>The new version leads, or the old one again.</summary>
    internal static void Promote(this Server server) => server.Do("promote");

    /// <summary>The old version serves alone.</summary>
    internal static void Rollback(this Server server) => server.Do("rollback");

    /// <summary>When the last follower ended, as the session's history has it.</summary>
    internal static DateTimeOffset LastEnd(this Server server) => ParseLastEnd(server.Do("status", "--json"));

    /// <summary>When the coordinator began to write down what the last follower did wrong.</summary>
    internal static DateTimeOffset LastFound(this Server server) => ParseReport(server.Do("report", "--json"));

    internal static DateTimeOffset ParseReport(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("when").GetDateTimeOffset();
    }

    internal static DateTimeOffset ParseLastEnd(string json)
    {
        using var document = JsonDocument.Parse(json);
        var end = document.RootElement.GetProperty("history").EnumerateArray().LastOrDefault(e =>
            e.GetProperty("what").GetString() is { } what && what.StartsWith("follower ", StringComparison.Ordinal) && what.Contains(" ended: ", StringComparison.Ordinal));
        return end.ValueKind == JsonValueKind.Object ? end.GetProperty("when").GetDateTimeOffset() : throw new BenchException("the session's history tells of no follower's end");
    }
}
