using Mvedsua.Follower.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>Everything at once that clients may have under way when Redis is updated, beside a twin that is not updated.</summary>
public sealed class LargeUpdateTests : UpdatedRedis
{
    private const int Connected = 4;

    /// <summary>A digest of a million keys takes its time.</summary>
    private const int PatienceMs = 120_000;

    [Theory]
    [InlineData("7.0.15 u7-u10")]
    [InlineData("8.0.2-8.0.6")]
    public void With_20_000_keys_of_all_types_data_connections_and_the_replica_are_those_of_a_twin_that_was_not_updated(string pair) => UpdateBesideATwin(pair, 20_000, "2 100", 400);

    [Fact]
    [Trait("Length", "long")]
    public void With_1_000_000_keys_of_all_types_data_connections_and_the_replica_are_those_of_a_twin_that_was_not_updated()
    {
        LongTests.OnlyThen("it takes some minutes");
        UpdateBesideATwin("7.0.15 u7-u10", 1_000_000, "30 100", 0);
    }

    /// <param name="pair">Of <see cref="RedisVersions"/>.</param>
    /// <param name="keys">How many.</param>
    /// <param name="saves">When it saves by itself.</param>
    /// <param name="delay">Microseconds for which a save waits at each key, so that it lasts for longer than the update does on a busy machine: it can't be
    /// hurried once it has begun.</param>
    private void UpdateBesideATwin(string pair, int keys, string saves, int delay)
    {
        (string old, string other) = RedisVersions.Build(pair);
        RedisUnderMvedsua server = Server(old, RedisUnderMvedsua.Mode.Solo, ["--appendonly", "yes", "--save", saves]);
        RedisUnderMvedsua twin = Server(old, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]);
        using RespClient client = new(server.Port, PatienceMs), twinClient = new(twin.Port, PatienceMs);
        Parallel.Invoke(() => MixedKeys.Fill(client, keys), () => MixedKeys.Fill(twinClient, keys));
        string script = MixedKeys.LoadScripts(client);
        Assert.Equal(script, MixedKeys.LoadScripts(twinClient));
        RedisUnderMvedsua replica = Server(pair.StartsWith('7') ? "redis-server" : old, RedisUnderMvedsua.Mode.Native, ["--save", "\"\"", "--replicaof", "127.0.0.1", $"{server.Port}"]);
        using RespClient replicaClient = new(replica.Port, PatienceMs);
        Host.Until(() => Info(replicaClient, "replication", "master_link_status") == "up", "the replica is in step", 120);
        string encodings = MixedKeys.Encodings(client);
        Assert.Equal(encodings, MixedKeys.Encodings(twinClient));
        foreach (string encoding in (string[])["int", "embstr", "raw", "quicklist", "intset", "listpack", "hashtable", "skiplist", "stream"])
            Assert.Contains($"={encoding}", encodings);

        using var load = new TwinLoad(server.Port, twin.Port, script, Connected, 41);
        using var monitor = new Monitor(server.Connect());
        using var throughout = new Unfinished(server.Connect, "throughout");
        int[] ports = [.. load.Ports, monitor.Port, .. throughout.Ports, client.LocalPort, Port(Slave(client))];
        string[] connections = Connections.Of(client, ports), synchronised = Synchronised(client, replicaClient);
        for (int i = 1; i <= 40; i++) client.Expect("+OK\r\n", "SET", $"passing:{i}", "x", "PX", $"{i * 300}");
        client.Expect("+OK\r\n", "SET", "lasting", "x", "PX", "1000000");
        long lastingSince = Environment.TickCount64;

        load.More(200);
        using (var before = new Unfinished(server.Connect, "before"))
        {
            Saving(client, delay);
            Update(server, pair, other);
            Assert.Equal("1", Info(client, "persistence", "rdb_bgsave_in_progress"));
            load.More(2000);
            before.Finish(client);
            client.Ok("CONFIG", "SET", "rdb-key-save-delay", "0");
        }
        Host.Until(() => Info(client, "persistence", "rdb_bgsave_in_progress") == "0", "the save has ended", 120);
        Assert.Equal("ok", Info(client, "persistence", "rdb_last_bgsave_status"));
        monitor.Shows(client, "followed");
        using (var meanwhile = new Unfinished(server.Connect, "meanwhile"))
        {
            Agrees(server);
            Promote(server, 120);
            load.More(2000);
            meanwhile.Finish(client);
        }
        monitor.Shows(client, "promoted");
        using (var then = new Unfinished(server.Connect, "then"))
        {
            Agrees(server);
            Do(server, "commit");
            load.More(2000);
            then.Finish(client);
        }
        monitor.Shows(client, "committed");
        throughout.Finish(client);
        Assert.Equal(connections, Connections.Of(client, ports));
        load.Finish();

        Host.Until(() => Enumerable.Range(1, 40).All(i => client.Call("EXISTS", $"passing:{i}") == ":0\r\n"), "what expires has expired");
        long left = long.Parse(client.Ok("PTTL", "lasting")[1..]), expected = 1_000_000 - (Environment.TickCount64 - lastingSince);
        Assert.InRange(left, expected - 1000, expected + 1000);
        client.Expect(":1\r\n", "DEL", "lasting");
        string digest = twinClient.Ok("DEBUG", "DIGEST");
        client.Expect(digest, "DEBUG", "DIGEST");
        client.Expect(twinClient.Ok("DBSIZE"), "DBSIZE");
        Assert.Equal(encodings, MixedKeys.Encodings(client));
        HasFollowed(client, replicaClient, digest);
        Assert.Equal(synchronised, Synchronised(client, replicaClient));
        LeavesWholeFiles(server, client, other, digest);
    }

    /// <summary>A save that is under way for some time.</summary>
    private static void Saving(RespClient client, int delay)
    {
        client.Ok("CONFIG", "SET", "rdb-key-save-delay", $"{delay}");
        Host.Until(() =>
        {
            string reply = client.Call("BGSAVE");
            Assert.True(!reply.StartsWith('-') || reply.Contains("progress"), reply);
            return !reply.StartsWith('-');
        }, "a save begins", 60);
        Assert.Equal("1", Info(client, "persistence", "rdb_bgsave_in_progress"));
    }

    private static string Info(RespClient client, string section, string field) =>
        client.Ok("INFO", section).Split("\r\n").Single(line => line.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 1)..];

    private static string Slave(RespClient client) => client.Ok("CLIENT", "LIST", "TYPE", "replica");

    private static int Port(string line)
    {
        int at = line.IndexOf(" addr=127.0.0.1:", StringComparison.Ordinal) + " addr=127.0.0.1:".Length;
        return int.Parse(line[at..line.IndexOf(' ', at)]);
    }

    /// <summary>What would differ if the replica had come once more.</summary>
    private static string[] Synchronised(RespClient client, RespClient replica) =>
    [
        .. ((string[])["sync_full", "sync_partial_ok", "sync_partial_err"]).Select(field => $"{field} {Info(client, "stats", field)}"),
        Info(client, "replication", "master_replid"), Info(client, "server", "run_id"), Info(client, "replication", "connected_slaves"),
        Info(replica, "replication", "master_link_status"), Info(replica, "replication", "master_replid"),
    ];

    private static void HasFollowed(RespClient client, RespClient replica, string digest)
    {
        Host.Until(() => Info(client, "replication", "master_repl_offset") == Info(replica, "replication", "slave_repl_offset"), "the replica has all", 60);
        replica.Expect(digest, "DEBUG", "DIGEST");
    }

    /// <summary>What it has saved and what it has written of its commands are read by a Redis that knows nothing of the update.</summary>
    private void LeavesWholeFiles(RedisUnderMvedsua server, RespClient client, string program, string digest)
    {
        Host.Until(() => Info(client, "persistence", "rdb_bgsave_in_progress") == "0" && Info(client, "persistence", "aof_rewrite_in_progress") == "0", "no save is under way", 120);
        client.Send("SHUTDOWN", "SAVE");
        Host.Until(() => server.HasEnded, "the server has ended", 120);
        foreach (string appendOnly in (string[])["yes", "no"])
        {
            RedisUnderMvedsua read = Server(program, RedisUnderMvedsua.Mode.Native, ["--dir", server.Folder, "--save", "\"\"", "--appendonly", appendOnly]);
            using RespClient reader = new(read.Port, PatienceMs);
            Host.Until(() => Info(reader, "persistence", "loading") == "0", "it has loaded", 120);
            Assert.True(digest == reader.Ok("DEBUG", "DIGEST"), $"appendonly {appendOnly}: another digest");
            reader.Send("SHUTDOWN", "NOSAVE");
            Host.Until(() => read.HasEnded, "the reader has ended");
        }
    }
}
