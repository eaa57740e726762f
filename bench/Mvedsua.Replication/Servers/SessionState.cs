using System.Text.Json;

namespace Mvedsua.Replication.Servers;

/// <summary>What the bench needs of <c>mvedsua status NAME --json</c>.</summary>
internal sealed record SessionState(int Leader, int? Follower, long LagEvents, long LogBytes)
{
    internal static SessionState Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var follower = root.GetProperty("follower");
        return new SessionState(
            root.GetProperty("leader").GetProperty("pid").GetInt32(),
            follower.ValueKind == JsonValueKind.Null ? null : follower.GetProperty("pid").GetInt32(),
            root.GetProperty("lag").GetProperty("events").GetInt64(),
            root.GetProperty("log").GetProperty("bytes").GetInt64());
    }
}
