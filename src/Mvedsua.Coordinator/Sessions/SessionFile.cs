using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>session.json: what a later coordinator needs to find a running session again.</summary>
/// <param name="Name">The session's name.</param>
/// <param name="Command">The server's argv.</param>
/// <param name="Processes">Processes that hold the session memory, the leader first, as far as was known. Any one that is alive leads to it (<see cref="SessionSurvivor"/>).</param>
/// <param name="CoordinatorPid">The last coordinator; alive or not.</param>
/// <param name="Started">When the server was started.</param>
/// <param name="Memory">Inode of the session memory; 0: not known.</param>
internal sealed record SessionFile(string Name, IReadOnlyList<string> Command, IReadOnlyList<ProcessIdentity> Processes,
    int CoordinatorPid, DateTimeOffset Started, ulong Memory = 0)
{
    internal static string PathOf(string name) => Path.Combine(SessionDirectory.PathOf(name), "session.json");

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
