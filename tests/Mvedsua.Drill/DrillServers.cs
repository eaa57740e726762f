using Mvedsua.Drill.Redis;

namespace Mvedsua.Drill;

/// <summary>A kind of server: how it is started, and what its clients know of it.</summary>
internal interface IDrillServer : IDisposable
{
    /// <summary>The server's command; it runs in <paramref name="folder"/>.</summary>
    string[] Command(string folder, int port);

    /// <summary>Does it answer already?</summary>
    bool Answers(int port);

    /// <summary>Clients that know every answer, until <see cref="DrillLoad.Finish"/>.</summary>
    DrillLoad Load(int port, int seed);

    /// <summary>Ends the idle server as its operator would.</summary>
    void ShutDown(int port);

    /// <summary>After its end: what it left in its folder, read without Mvedsua, is what its clients were told.</summary>
    void CheckFiles(string folder, DrillLoad load);
}

/// <summary>All of them, by name.</summary>
internal static class DrillServers
{
    private static readonly Dictionary<string, Func<Random, IDrillServer>> All = new()
    {
        ["redis"] = random => new RedisServer(random),
    };

    internal static string[] Names => [.. All.Keys];

    /// <summary>One, with a configuration drawn from <paramref name="random"/>.</summary>
    internal static IDrillServer Make(string name, Random random) => All[name](random);
}
