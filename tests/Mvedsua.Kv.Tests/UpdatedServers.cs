using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>What tests of updates do with a sample server.</summary>
public abstract class UpdatedServers : LiveUpdates
{
    /// <summary>Release 1.0.</summary>
    private protected RedisUnderMvedsua Server(int threads = 0, params string[] run) => Server("1.0", threads, run);

    private protected RedisUnderMvedsua Server(string release, int threads = 0, params string[] run) => Server(release, null, null, threads, run);

    /// <summary>By a build with fault points.</summary>
    private protected RedisUnderMvedsua Server(string release, string? products, string? faults, int threads = 0, params string[] run) =>
        ServerOf(KvPrograms.Of(release), threads, products, faults, run);

    private protected RedisUnderMvedsua ServerOf(string program, int threads = 0, string? products = null, string? faults = null, params string[] run)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, run: run, products: products, faults: faults,
            server: [program, "--port", "{port}", "--log", "{folder}/kv.log", "--threads", $"{threads}"]);
        server.Answers();
        return server;
    }

    /// <summary>It does nothing of its own accord.</summary>
    private protected RedisUnderMvedsua Idle()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: [KvPrograms.Of("1.0"), "--port", "{port}", "--log", "{folder}/kv.log", "--report-period", "60000", "--expiry-period", "60000"]);
        server.Answers();
        return server;
    }

    private protected static Host.Result Update(RedisUnderMvedsua server, string program, string description = KvVariant.Resume, params string[] options)
    {
        string file = Path.Combine(server.Folder, "update.description");
        File.WriteAllText(file, description);
        return server.Mvedsua(["update", RedisUnderMvedsua.Name, "--to", program, "--description", file, .. options]);
    }

    private protected static void Updated(RedisUnderMvedsua server, string program, string description = KvVariant.Resume)
    {
        Host.Result result = Update(server, program, description);
        Assert.True(result.Status == 0, $"update: {result.Output}{result.Errors}\n{server.Log}");
    }

    private protected static void HasAll(RedisUnderMvedsua server, Mvedsua.Drill.ClientLoad<KvClient> load)
    {
        load.Finish();
        using var line = new KvLine(server.Port);
        Assert.Equal($"COUNT {load.Clients.Sum(client => client.Keys.Count)}", line.Ask("COUNT"));
    }
}
