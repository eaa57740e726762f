using System.Text.Json.Serialization;

namespace Mvedsua.Coordinator.Launch;

/// <summary>How a check came out.</summary>
[JsonConverter(typeof(CheckOutcomeConverter))]
public enum CheckOutcome
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Servers run, but something is worse or slower than it could be.</summary>
    Warning,

    /// <summary>Servers can't be started.</summary>
    Missing,
}

/// <summary>Writes "ok", "warning", "missing".</summary>
public sealed class CheckOutcomeConverter() : JsonStringEnumConverter<CheckOutcome>(System.Text.Json.JsonNamingPolicy.KebabCaseLower);

/// <summary>One thing that <c>doctor</c> looked at.</summary>
/// <param name="Name">Stable name of the check.</param>
/// <param name="Outcome">How it came out.</param>
/// <param name="Finding">What was found.</param>
/// <param name="Cure">Why it matters and what to do; null when nothing is to be done.</param>
public sealed record SystemCheck(string Name, CheckOutcome Outcome, string Finding, string? Cure = null);
