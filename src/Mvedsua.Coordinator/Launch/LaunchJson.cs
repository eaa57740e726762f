using System.Text.Json.Serialization;

namespace Mvedsua.Coordinator.Launch;

/// <summary>What <c>doctor --json</c> prints.</summary>
/// <param name="Checks">The machine's checks.</param>
/// <param name="Refusals">What stands against the command; empty without one.</param>
public sealed record DoctorResult(IReadOnlyList<SystemCheck> Checks, IReadOnlyList<LaunchRefusal> Refusals);

/// <summary>Serialisation without reflection of what <c>doctor</c> and <c>inspect</c> print: indented.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(DoctorResult))]
[JsonSerializable(typeof(Inspection))]
public sealed partial class LaunchJson : JsonSerializerContext;
