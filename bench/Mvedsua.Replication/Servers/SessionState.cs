using System.Text.Json;

namespace Mvedsua.Replication.Servers;

/// <summary>What the bench needs of <c>mvedsua status NAME --json</c>.</summary>
/// <param name="Leader">Its pid.</param>
/// <param name="Followers">Their pids, the eldest first.</param>
/// <param name="LagEvents">What the follower that lags most has yet to replay.</param>
/// <param name="LogBytes">Memory of the logs.</param>
internal sealed record SessionState(int Leader, IReadOnlyList<int> Followers, long LagEvents, long LogBytes)
{
    /// <summary>The eldest; null: there is none.</summary>
    internal int? Follower => Followers.Count > 0 ? Followers[0] : null;

    internal static SessionState Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var followers = root.GetProperty("followers").EnumerateArray().ToList();
        return new SessionState(
            root.GetProperty("leader").GetProperty("pid").GetInt32(),
            [.. followers.Select(f => f.GetProperty("pid").GetInt32())],
            followers.Select(f => f.GetProperty("lag").GetProperty("events").GetInt64()).DefaultIfEmpty(0).Max(),
            root.GetProperty("log").GetProperty("bytes").GetInt64());
    }
}
