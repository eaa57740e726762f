namespace Mvedsua.Follower.Tests;

/// <summary>What tests of live updates do, whatever the server.</summary>
public abstract class LiveUpdates : ConfiguredServers
{
    /// <summary>Says what became of it when it fails. Under load a follower is behind: a promotion waits for it.</summary>
    private protected static string Do(RedisUnderMvedsua server, string verb, params string[] arguments)
    {
        Host.Result result = server.Mvedsua([verb, RedisUnderMvedsua.Name, .. verb == "promote" ? ["--wait", "40s"] : Array.Empty<string>(), .. arguments]);
        Assert.True(result.Status == 0, $"{verb}: {result.Output}{result.Errors}\n{Fate(server)}");
        return result.Output;
    }

    /// <summary>The updated version still agrees with the old one; else: where it did not.</summary>
    private protected static void Agrees(RedisUnderMvedsua server) => Assert.True(server.FollowerPid != 0, Fate(server));

    private protected static string Stage(RedisUnderMvedsua server) => server.Status().GetProperty("stage").GetString()!;

    private protected static int Pid(RedisUnderMvedsua server, bool follower = false) => follower ? server.FollowerPid : server.LeaderPid;

    /// <summary>How far an update is; empty: there is none.</summary>
    internal static string Step(RedisUnderMvedsua server) => Step(server, out _);

    /// <param name="server">The server.</param>
    /// <param name="isTimed">Something is done when a time is over.</param>
    internal static string Step(RedisUnderMvedsua server, out bool isTimed)
    {
        isTimed = false;
        if (!server.Status().TryGetProperty("update", out var update) || update.ValueKind != System.Text.Json.JsonValueKind.Object) return "";
        isTimed = update.TryGetProperty("until", out var until) && until.ValueKind == System.Text.Json.JsonValueKind.String;
        return update.GetProperty("step").GetString()!;
    }

    private static string Fate(RedisUnderMvedsua server) => $"{server.History}\n{server.Mvedsua("report", RedisUnderMvedsua.Name).Output}\n{server.Log}";
}
