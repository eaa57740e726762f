using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>session.json: what a later coordinator needs to find a running session again.</summary>
/// <param name="Name">The session's name.</param>
/// <param name="Command">The server's argv.</param>
/// <param name="Processes">Processes that hold the session memory, the leader first. Any one that is alive leads to it.</param>
/// <param name="CoordinatorPid">The last coordinator; alive or not.</param>
/// <param name="Started">When the server was started.</param>
internal sealed record SessionFile(string Name, IReadOnlyList<string> Command, IReadOnlyList<ProcessIdentity> Processes,
    int CoordinatorPid, DateTimeOffset Started)
{
    internal static string PathOf(string name) => Path.Combine(SessionDirectory.PathOf(name), "session.json");

    /// <summary>The first of <see cref="Processes"/> that still runs; null: the server has ended.</summary>
    [JsonIgnore]
    internal ProcessIdentity? Survivor => Processes.Cast<ProcessIdentity?>().FirstOrDefault(p => p!.Value.IsAlive);

    /// <summary>Writes the file in one step: a reader sees the old one or the new one.</summary>
    internal void Save()
    {
        string path = PathOf(Name), fresh = path + ".new";
        File.WriteAllBytes(fresh, JsonSerializer.SerializeToUtf8Bytes(this, SessionFileJson.Default.SessionFile));
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>Reads it; null when it is missing or damaged.</summary>
    internal static SessionFile? Load(string name)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(name)), SessionFileJson.Default.SessionFile);
            /* Fields that a damaged file lacks are null, whatever their type says. */
            bool whole = file is { Name: not null, Command: not null, Processes: not null } && file.Command.All(word => word is not null);
            return whole ? file : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SessionFile))]
internal sealed partial class SessionFileJson : JsonSerializerContext;
