using System.Diagnostics;
using System.Net.Sockets;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Redis;

/// <summary>Debian's redis-server with an append-only file, in one of its fsync policies.</summary>
internal sealed class RedisServer(Random random) : IDrillServer
{
    private static readonly string[] Policies = ["always", "everysec", "no"];
    private readonly string _policy = Policies[random.Next(Policies.Length)];

    public string[] Command(string folder, int port) =>
        ["redis-server", "--port", $"{port}", "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", _policy];

    public bool Answers(int port)
    {
        try
        {
            using var client = new RespClient(port, 5000);
            return client.Call("PING") == "+PONG\r\n";
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return false;
        }
    }

    public DrillLoad Load(int port, int seed) => new RedisLoad(port, seed);

    public int ShutDown(int port, int leader)
    {
        using var client = new RespClient(port);
        Until(client, "aof_rewrite_in_progress:0");
        Until(client, "rdb_bgsave_in_progress:0");
        client.Expect("+OK\r\n", "SAVE");
        client.Send("SHUTDOWN", "NOSAVE");
        try { client.Read(); }
        catch (Exception e) when (e is EndOfStreamException or SocketException) { return 0; }
        throw new DrillFailure("SHUTDOWN was answered");
    }

    private static void Until(RespClient client, string state) =>
        Host.Until(() => client.Ok("INFO", "persistence").Contains(state), state, 60);

    public void CheckFiles(string folder, DrillLoad load)
    {
        var expected = ((RedisLoad)load).Expected();
        string[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file)).Where(file => !file.StartsWith("mvedsua/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        string manifest = File.ReadAllText(Path.Combine(folder, "appendonlydir/appendonly.aof.manifest"));
        bool Intended(string file) => file is "log" or "drill.log" or "dump.rdb" or "appendonlydir/appendonly.aof.manifest"
            || (file.StartsWith("appendonlydir/", StringComparison.Ordinal) && manifest.Contains($"file {Path.GetFileName(file)} seq "));
        if (!files.All(Intended)) throw new DrillFailure($"files that were not intended: {string.Join(", ", files)}; {manifest}");
        foreach (string appendOnly in (string[])["yes", "no"])
            Reload(folder, appendOnly, truncated: "no", client =>
            {
                CheckCount(client, appendOnly, expected.Count);
                foreach ((string key, string reply) in expected)
                    if (Get(client, key) is var got && got != reply)
                        throw new DrillFailure($"appendonly {appendOnly}: {key} is {RespClient.Shorten(got)}, not {RespClient.Shorten(reply)}");
            });
    }

    /// <summary>Every second Redis puts off a write while it syncs, and answers all the same: what it would leave natively can't be told.</summary>
    public void CheckFilesAfterKill(string folder, DrillLoad load) => Reload(folder, "yes", truncated: "yes", client =>
    {
        if (_policy == "everysec") return;
        int count = 0;
        foreach (RedisKeys keys in ((RedisLoad)load).Keys)
        {
            Dictionary<string, string> got = keys.Names.Select(key => (key, Reply: Get(client, key))).Where(pair => pair.Reply is not ("$-1\r\n" or "*0\r\n"))
                .ToDictionary(pair => pair.key, pair => pair.Reply);
            Dictionary<string, string>[] possible = [.. keys.Possible()];
            if (!possible.Any(state => state.Count == got.Count && state.All(pair => got.GetValueOrDefault(pair.Key) == pair.Value)))
                throw new DrillFailure($"after the kill the append-only file holds {Text(got)}; what was acknowledged: {Text(possible[0])}; then {possible.Length - 1} requests were on the way");
            count += got.Count;
        }
        CheckCount(client, "yes", count);
    });

    private static string Text(Dictionary<string, string> state) => string.Join(", ", state.Select(pair => $"{pair.Key} {RespClient.Shorten(pair.Value)}"));

    private static string Get(RespClient client, string key) =>
        key.EndsWith(":l", StringComparison.Ordinal) ? client.Call("LRANGE", key, "0", "-1") : client.Call("GET", key);

    private static void CheckCount(RespClient client, string appendOnly, int count)
    {
        if (client.Call("DBSIZE") is var size && size != $":{count}\r\n")
            throw new DrillFailure($"appendonly {appendOnly}: the files hold {size.Trim()} keys, not {count}");
    }

    /// <summary>A Redis without Mvedsua reads a copy of the append-only file, or of the snapshot.</summary>
    private static void Reload(string folder, string appendOnly, string truncated, Action<RespClient> check)
    {
        string copy = Directory.CreateDirectory(Path.Combine(folder, $"reload-{appendOnly}")).FullName;
        Host.Run(folder, "cp", "-r", appendOnly == "yes" ? "appendonlydir" : "dump.rdb", copy);
        int port = Host.FreePort();
        using Process redis = Process.Start(new ProcessStartInfo("/bin/sh",
            ["-c", $"exec redis-server --port {port} --dir {copy} --save '' --appendonly {appendOnly} --auto-aof-rewrite-percentage 0 --aof-load-truncated {truncated} > {copy}/log 2>&1"]))!;
        try
        {
            Host.Until(() => redis.HasExited || PingLoaded(port), "the files are read", 60);
            if (redis.HasExited) throw new DrillFailure($"redis-server can't read its files: {File.ReadAllText(Path.Combine(copy, "log"))}");
            using var client = new RespClient(port);
            check(client);
        }
        finally
        {
            redis.Kill();
            redis.WaitForExit();
        }
        Directory.Delete(copy, recursive: true);
    }

    private static bool PingLoaded(int port)
    {
        try
        {
            using var client = new RespClient(port, 5000);
            return client.Call("PING") == "+PONG\r\n";
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return false;
        }
    }

    public void Dispose()
    {
    }
}
