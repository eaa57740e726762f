using Mvedsua.Drill.Beanstalkd;
using Mvedsua.Drill.Http;
using Mvedsua.Drill.Kv;
using Mvedsua.Drill.Memcached;
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

    /// <summary>Is this one of some files of which an idle server, without Mvedsua too, has now more and now fewer open?</summary>
    bool IsOneOfSome(string file) => false;

    /// <summary>Ends the idle server as its operator would; the exit status that it then has.</summary>
    int ShutDown(int port, int leader);

    /// <summary>After its end: what it left in its folder, read without Mvedsua, is what its clients were told.</summary>
    void CheckFiles(string folder, DrillLoad load);

    /// <summary>After leader and follower were killed at once: the files are what a server without Mvedsua would have left that was killed
    /// at that instant. What was acknowledged is there, what was not is there or is not.</summary>
    void CheckFilesAfterKill(string folder, DrillLoad load);
}

/// <summary>All of them, by name.</summary>
internal static class DrillServers
{
    private static readonly Dictionary<string, Func<Random, IDrillServer>> All = new()
    {
        ["redis"] = random => new RedisServer(random),
        ["beanstalkd"] = _ => new BeanstalkdServer(),
        ["lighttpd"] = random => new LighttpdServer(random),
        ["nginx"] = random => new NginxServer(random),
        ["memcached"] = _ => new MemcachedServer(),
        ["kv"] = random => new KvServer(random),
    };

    private const string Mixed = "all";

    /// <summary>Half of the sessions are Redis's.</summary>
    private static readonly string[] Mixture = ["redis", "beanstalkd", "redis", "lighttpd", "redis", "nginx"];

    internal static string[] Names => [Mixed, .. All.Keys];

    /// <summary>Whose turn it is; each has sessions with fault points and without.</summary>
    internal static string Of(string name, int session) => name == Mixed ? Mixture[session / 2 % Mixture.Length] : name;

    /// <summary>One, with a configuration drawn from <paramref name="random"/>.</summary>
    internal static IDrillServer Make(string name, Random random) => All[name](random);
}
