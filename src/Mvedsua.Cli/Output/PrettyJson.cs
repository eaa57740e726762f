using System.Text.Json.Serialization;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Output;

/// <summary>What --json prints: the control messages' shape, indented.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(SessionStatus))]
[JsonSerializable(typeof(SessionStatus[]))]
[JsonSerializable(typeof(DivergenceReport))]
internal sealed partial class PrettyJson : JsonSerializerContext;
