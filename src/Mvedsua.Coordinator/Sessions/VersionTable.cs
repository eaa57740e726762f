using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Which version of the server a process runs.</summary>
/// <param name="Number">0: the one that was started; each update raises it.</param>
/// <param name="Path">Its file; null: the one that was started.</param>
/// <param name="Image">Where it is in the process; null: where the system's loader put it.</param>
/// <param name="Rules">The rules between it and the version before; null: none.</param>
internal sealed record ServerVersion(int Number, string? Path, LinkedImage? Image, RulesFiles? Rules = null)
{
    internal static readonly ServerVersion Started = new(0, null, null);

    /// <summary>The images that updates have loaded, which the kernel's list of mappings does not name.</summary>
    [JsonIgnore]
    internal IReadOnlyList<ImageRange> Loaded => Image is null ? [] : [.. Image.Images.Skip(1)];
}

/// <summary>The versions of a session's processes, by their generation. Kept in the session's folder, for a coordinator that takes over. Not safe
/// for concurrent use.</summary>
internal sealed class VersionTable
{
    private readonly string _path;
    private readonly Dictionary<ulong, ServerVersion> _versions = [];
    private readonly Dictionary<int, ulong> _generations = []; /* of each process its latest */

    /// <param name="session">The session's name.</param>
    /// <param name="members">Its processes.</param>
    internal VersionTable(string session, IEnumerable<Member> members)
    {
        _path = Path.Combine(SessionDirectory.PathOf(session), "versions.json");
        try
        {
            if (File.Exists(_path)) _versions = JsonSerializer.Deserialize(File.ReadAllBytes(_path), VersionTableJson.Default.DictionaryUInt64ServerVersion) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            /* Then an update of an updated server is refused, because its program is not where it should be. */
        }
        foreach (Member member in members)
            if (member.Pid != 0) _generations[member.Pid] = member.Generation;
    }

    /// <summary>What the process of that generation runs.</summary>
    internal ServerVersion Of(ulong generation) => _versions.GetValueOrDefault(generation) ?? ServerVersion.Started;

    /// <summary>A follower replays: it runs what its leader does, or, if it has led before, what it ran then.</summary>
    internal void Followed(Follower who, ulong leader)
    {
        ulong before = _generations.GetValueOrDefault(who.Pid, leader);
        _generations[who.Pid] = who.Generation;
        if (Of(before) is { Number: > 0 } version) Set(who.Generation, version);
    }

    /// <summary>A copy is another version from now on.</summary>
    internal void Updated(Follower who, ServerVersion version)
    {
        _generations[who.Pid] = who.Generation;
        Set(who.Generation, version);
    }

    private void Set(ulong generation, ServerVersion version)
    {
        _versions[generation] = version;
        string fresh = _path + ".new";
        File.WriteAllBytes(fresh, JsonSerializer.SerializeToUtf8Bytes(_versions, VersionTableJson.Default.DictionaryUInt64ServerVersion));
        File.Move(fresh, _path, overwrite: true);
    }
}

[JsonSerializable(typeof(Dictionary<ulong, ServerVersion>))]
internal sealed partial class VersionTableJson : JsonSerializerContext;
