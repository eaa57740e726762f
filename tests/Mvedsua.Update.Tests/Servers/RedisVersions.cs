using Mvedsua.Tests;

namespace Mvedsua.Update.Tests.Servers;

/// <summary>Redis as Debian has it: pairs of versions between which its administrators update.</summary>
internal static class RedisVersions
{
    /// <summary>Names of pairs, in both directions.</summary>
    public static TheoryData<string> Pairs => ["7.0.15 u7-u10", "7.0.15 u10-u7", "8.0.2-8.0.6", "8.0.6-8.0.2"];

    /// <summary>Both programs; the test is skipped where they can't be built.</summary>
    internal static (string Old, string New) Build(string pair) => pair switch
    {
        "7.0.15 u7-u10" => DebianServer.Build("redis", "7.0.15-1~deb12u7", "7.0.15-1~deb12u10"),
        "7.0.15 u10-u7" => DebianServer.Build("redis", "7.0.15-1~deb12u10", "7.0.15-1~deb12u7"),
        "8.0.2-8.0.6" => DebianServer.Build("redis", "8.0.2-3+deb13u2", "8.0.6-3"),
        _ => DebianServer.Build("redis", "8.0.6-3", "8.0.2-3+deb13u2"),
    };
}
