using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>update.json: the update that a coordinator carries out, so that the next one knows of it.</summary>
internal static class PlanFile
{
    /// <exception cref="IOException">It can't be written.</exception>
    internal static void Save(string session, UpdateOrder order)
    {
        string path = PathOf(session), fresh = path + ".new";
        File.WriteAllBytes(fresh, JsonSerializer.SerializeToUtf8Bytes(order, PlanFileJson.Default.UpdateOrder));
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>Null: there is none, or none that can be read.</summary>
    internal static UpdateOrder? Load(string session)
    {
        try
        {
            return File.Exists(PathOf(session)) && JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(session)), PlanFileJson.Default.UpdateOrder) is { To: not null } order ? order : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    internal static void Remove(string session)
    {
        try
        {
            File.Delete(PathOf(session));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            /* The folder went with its session. */
        }
    }

    private static string PathOf(string session) => Path.Combine(SessionDirectory.PathOf(session), "update.json");
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(UpdateOrder))]
internal sealed partial class PlanFileJson : JsonSerializerContext;
