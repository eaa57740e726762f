using System.Collections.Concurrent;
using Mvedsua.Follower.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>Everything at once that clients may have under way when Redis is updated, beside a twin that is not updated.</summary>
public sealed class LargeUpdateTests : UpdatedRedis
{
    private const int Connected = 4;

    [Theory]
    [InlineData("7.0.15 u7-u10")]
    [InlineData("8.0.2-8.0.6")]
    public void With_20_000_keys_of_all_types_data_connections_and_the_replica_are_those_of_a_twin_that_was_not_updated(string pair) => UpdateBesideATwin(pair, 20_000, "2 100", 300);

    [Fact]
    [Trait("Length", "long")]
    public void With_1_000_000_keys_of_all_types_data_connections_and_the_replica_are_those_of_a_twin_that_was_not_updated()
    {
        LongTests.OnlyThen("it takes some minutes");
        UpdateBesideATwin("7.0.15 u7-u10", 1_000_000, "30 100", -5);
    }

    /// <param name="pair">Of <see cref="RedisVersions"/>.</param>
    /// <param name="keys">How many.</param>
    /// <param name="saves">When it saves by itself.</param>
    /// <param name="delay">Microseconds for which a save waits at each key (negative: one at so many keys), so that it lasts for longer than the update does
    /// on a busy machine: it can't be hurried once it has begun.</param>
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
        bool isEight = EncodedKeys.IsEight(client);
        Assert.Equal(pair.StartsWith('8'), isEight);
        foreach (string prefix in (string[])["enc", "touched"]) Assert.Equal(EncodedKeys.Expected(isEight), EncodedKeys.Encodings(client, isEight, prefix));

        var shown = new ConcurrentQueue<string[]>();
        using var load = new TwinLoad(server.Port, twin.Port, script, Connected, 41, (random, number) => EncodedKeys.Touch(random, number, isEight)) { Shown = shown };
        using var monitor = new Monitor(new RespClient(server.Port, PatienceMs), shown);
        monitor.Compares(load.Ports[0]);
        load.Begin();
        using var throughout = new Unfinished(server.Connect, "throughout", 5);
        int[] ports = [.. load.Ports, monitor.Port, .. throughout.Ports, client.LocalPort, Port(Slave(client))];
        string[] connections = Connections.Of(client, ports), synchronised = Synchronised(client, replicaClient);
        var passing = new Passing(client, isEight);

        load.More(200);
        using var before = new Unfinished(server.Connect, "before", 15);
        using var saved = new SavedFile(server, client, twinClient, load, delay);
        Update(server, pair, other);
        saved.IsUnderWay();
        before.HasTimeLeft(client);
        load.More(2000);
        before.Finish(client);
        saved.HasEnded(saves);
        monitor.IsInStep();
        using var meanwhile = new Unfinished(server.Connect, "meanwhile", 15);
        Agrees(server);
        Promote(server, 120);
        meanwhile.HasTimeLeft(client);
        load.More(2000);
        meanwhile.Finish(client);
        monitor.IsInStep();
        using var then = new Unfinished(server.Connect, "then", 5);
        Agrees(server);
        Do(server, "commit");
        then.HasTimeLeft(client);
        load.More(2000);
        then.Finish(client);
        monitor.IsInStep();
        throughout.Finish(client);
        Assert.Equal(connections, Connections.Of(client, ports));
        load.Finish();
        Tell($"MONITOR has shown {monitor.HasShownAll()} commands of one connection");

        passing.IsOver(client);
        foreach (Unfinished one in (Unfinished[])[throughout, before, meanwhile, then]) one.TimeIsOver();
        string digest = twinClient.Ok("DEBUG", "DIGEST");
        client.Expect(digest, "DEBUG", "DIGEST");
        Tell($"{new KeyState(client, twinClient).IsTheTwins()} keys are the twin's");
        Assert.Equal(EncodedKeys.Expected(isEight), EncodedKeys.Encodings(client, isEight));
        HasFollowed(client, replicaClient, digest);
        new KeyState(replicaClient, twinClient).Times();
        Assert.Equal(synchronised, Synchronised(client, replicaClient));
        saved.IsOfItsMoment(Reader(other));
        LeavesWholeFiles(server, client, twinClient, other, digest);
    }

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
    private void LeavesWholeFiles(RedisUnderMvedsua server, RespClient client, RespClient twin, string program, string digest)
    {
        Host.Until(() => Info(client, "persistence", "rdb_bgsave_in_progress") == "0" && Info(client, "persistence", "aof_rewrite_in_progress") == "0", "no save is under way", 120);
        client.Send("SHUTDOWN", "SAVE");
        Host.Until(() => server.HasEnded, "the server has ended", 120);
        foreach (string appendOnly in (string[])["yes", "no"])
            Reader(program)(server.Folder, appendOnly, reader =>
            {
                Assert.True(digest == reader.Ok("DEBUG", "DIGEST"), $"appendonly {appendOnly}: another digest");
                new KeyState(reader, twin).Times();
            });
    }

    /// <summary>Starts a native Redis on the files in a folder, shows what it has loaded, and ends it.</summary>
    private Action<string, string, Action<RespClient>> Reader(string program) => (folder, appendOnly, show) =>
    {
        RedisUnderMvedsua read = Server(program, RedisUnderMvedsua.Mode.Native, ["--dir", folder, "--save", "\"\"", "--appendonly", appendOnly]);
        using RespClient reader = new(read.Port, PatienceMs);
        Host.Until(() => Info(reader, "persistence", "loading") == "0", "it has loaded", 120);
        show(reader);
        reader.Send("SHUTDOWN", "NOSAVE");
        Host.Until(() => read.HasEnded, "the reader has ended");
    };
}
