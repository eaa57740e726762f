using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>What Redis does in its default configuration, with all its threads, is replayed: from the start, and by a follower
/// attached in the middle.</summary>
public sealed class CommandTests : ServerTests
{
    public enum Attached { FromTheStart, Later }

    private RedisUnderMvedsua StartAttached(Attached attached, params string[] redis)
    {
        if (attached == Attached.FromTheStart) return Start(redis: redis.Length == 0 ? null : redis);
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, redis: redis.Length == 0 ? null : redis);
        using RespClient client = server.Connect();
        for (int i = 0; i < 200; i++) client.Expect("+OK\r\n", "SET", $"before{i}", new string('b', i));
        server.Follow();
        return server;
    }

    public static TheoryData<Attached> Both => [Attached.FromTheStart, Attached.Later];

    [Theory, MemberData(nameof(Both))]
    public void Values_pipelines_and_large_values(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect();
        string large = new('x', 1 << 20);
        client.Expect("+OK\r\n", "SET", "large", large);
        client.Expect(RespClient.Bulk(large), "GET", "large");
        client.Expect($":{(1 << 20) + 3}\r\n", "APPEND", "large", "end");
        var pipeline = new StringBuilder();
        for (int i = 0; i < 5000; i++)
        {
            RespClient.Append(pipeline, "SET", $"k{i}", $"v{i}");
            RespClient.Append(pipeline, "GET", $"k{i}");
        }
        var sender = new Thread(() => client.SendRaw(pipeline.ToString()));
        sender.Start();
        for (int i = 0; i < 5000; i++)
        {
            Assert.Equal("+OK\r\n", client.Read());
            Assert.Equal(RespClient.Bulk($"v{i}"), client.Read());
        }
        sender.Join();
        client.Expect("$-1\r\n", "GET", "none");
        server.InStep();
    }

    [Theory, MemberData(nameof(Both))]
    public void Benchmark_of_fifty_clients_runs_and_the_log_stays_small(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        Host.Result result = Host.Run(server.Folder, "redis-benchmark", "-p", $"{server.Port}", "-n", "5000", "-c", "50", "-q", "-r", "1000");
        Assert.True(result.Status == 0 && !result.Output.Contains("rror"), result.Output + result.Errors);
        server.InStep();
        /* Three chunks (of 256 KiB) of the busy thread's log, the control block, and 36 KiB of each other thread's: jemalloc makes one or two. */
        Host.Until(() => server.Status().GetProperty("log").GetProperty("bytes").GetInt64() < (1 << 20) + (1 << 17), "the log's memory is given back");
    }

    [Theory, MemberData(nameof(Both))]
    public void Snapshots_and_the_append_only_file(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect();
        client.Ok("DEBUG", "POPULATE", "5000");
        client.Ok("SAVE");
        client.Ok("BGSAVE");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the save ends");
        foreach (string policy in (string[])["always", "everysec", "no"])
        {
            client.Expect("+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
            Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the first rewrite ends");
            client.Expect("+OK\r\n", "CONFIG", "SET", "appendfsync", policy);
            for (int i = 0; i < 300; i++) client.Ok("INCR", "n");
            client.Ok("BGREWRITEAOF");
            for (int i = 0; i < 300; i++) client.Ok("INCR", "n");
            Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the rewrite ends");
            Assert.Contains("aof_last_bgrewrite_status:ok", client.Ok("INFO", "persistence"));
            client.Expect("+OK\r\n", "DEBUG", "LOADAOF");
            client.Expect("+OK\r\n", "CONFIG", "SET", "appendonly", "no");
        }
        client.Expect(RespClient.Bulk("1800"), "GET", "n");
        client.Ok("CONFIG", "SET", "save", "1 1");
        client.Ok("SET", "changed", "1");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_changes_since_last_save:0"), "the server's own timer saves");
        client.Expect("+OK\r\n", "DEBUG", "RELOAD");
        server.InStep();
    }

    [Theory, MemberData(nameof(Both))]
    public void Scripts_functions_and_transactions(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect(), other = server.Connect();
        client.Expect(":45\r\n", "EVAL", "local s = 0 for i = 1, 9 do s = s + i redis.call('RPUSH', KEYS[1], i) end return s", "1", "list");
        string sha = client.Ok("SCRIPT", "LOAD", "return {redis.call('LLEN', KEYS[1]), redis.call('TIME')[1] ~= nil, math.random(1000) >= 0}").Split("\r\n")[1];
        client.Expect("*3\r\n:9\r\n:1\r\n:1\r\n", "EVALSHA", sha, "1", "list");
        client.Expect(RespClient.Bulk("lib"), "FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)");
        client.Expect(":42\r\n", "FCALL", "twice", "0", "21");
        client.Ok("FUNCTION", "DUMP");
        client.Ok("FUNCTION", "STATS");
        client.Expect("+OK\r\n", "WATCH", "w");
        client.Expect("+OK\r\n", "MULTI");
        client.Expect("+QUEUED\r\n", "INCR", "w");
        other.Expect("+OK\r\n", "SET", "w", "10");
        client.Expect("*-1\r\n", "EXEC");
        client.Expect("+OK\r\n", "MULTI");
        client.Expect("+QUEUED\r\n", "INCR", "w");
        client.Expect("+QUEUED\r\n", "GET", "w");
        client.Expect("*2\r\n:11\r\n$2\r\n11\r\n", "EXEC");
        client.Ok("FUNCTION", "FLUSH", "ASYNC");
        client.Ok("SCRIPT", "FLUSH", "ASYNC");
        server.InStep();
    }

    [Theory, MemberData(nameof(Both))]
    public void Publishing_monitoring_and_blocked_clients(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect(), subscriber = server.Connect(), monitor = server.Connect(), blocked = server.Connect(), reader = server.Connect();
        subscriber.Ok("SUBSCRIBE", "news");
        subscriber.Ok("PSUBSCRIBE", "n*");
        monitor.Expect("+OK\r\n", "MONITOR");
        client.Expect(":2\r\n", "PUBLISH", "news", "hello");
        Assert.Equal("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n", subscriber.Read());
        Assert.Equal("*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n", subscriber.Read());
        Assert.Contains("\"PUBLISH\" \"news\" \"hello\"", monitor.Read());
        blocked.Send("BLPOP", "queue", "0");
        reader.Send("XREAD", "BLOCK", "0", "STREAMS", "stream", "$");
        Host.Until(() => client.Ok("INFO", "clients").Contains("blocked_clients:2"), "both wait");
        client.Expect(":1\r\n", "RPUSH", "queue", "item");
        Assert.Equal("*2\r\n$5\r\nqueue\r\n$4\r\nitem\r\n", blocked.Read());
        string id = client.Ok("XADD", "stream", "*", "f", "v").Split("\r\n")[1];
        Assert.Contains(id, reader.Read());
        blocked.Expect("*-1\r\n", "BLPOP", "queue", "0.2"); /* ended by the server's timer */
        server.InStep();
    }

    [Theory, MemberData(nameof(Both))]
    public void Expiry_scanning_sorting_and_freeing_in_the_background(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect();
        client.Ok("FLUSHALL");
        for (int i = 0; i < 300; i++) client.Ok("SET", $"soon{i}", "v", "PX", $"{100 + i}");
        client.Ok("SET", "lazy", "v", "PX", "1");
        client.Expect("$-1\r\n", "EVAL", "local t = redis.call('TIME') return false", "0");
        Host.Until(() => client.Call("DBSIZE") == ":0\r\n", "all keys expire");
        client.Ok("EVAL", "for i = 1, 100000 do redis.call('RPUSH', 'big', i) redis.call('ZADD', 'set', i, i) end", "0");
        client.Ok("SORT", "big", "LIMIT", "0", "10", "DESC");
        client.Ok("OBJECT", "ENCODING", "set");
        client.Ok("DEBUG", "OBJECT", "big");
        string cursor = "0";
        do cursor = client.Ok("ZSCAN", "set", cursor, "COUNT", "5000").Split("\r\n")[2];
        while (cursor != "0");
        client.Expect(":2\r\n", "UNLINK", "big", "set");
        client.Ok("DEBUG", "POPULATE", "20000");
        client.Ok("FLUSHALL", "ASYNC");
        client.Ok("DEBUG", "SLEEP", "0.05");
        client.Ok("MEMORY", "PURGE");
        server.InStep();
    }

    [Theory, MemberData(nameof(Both))]
    public void Answers_about_memory_and_time_do_not_end_the_follower(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect();
        foreach (string command in (string[])["INFO", "INFO all", "INFO everything", "MEMORY STATS", "MEMORY DOCTOR", "MEMORY MALLOC-STATS",
            "LATENCY LATEST", "LATENCY DOCTOR", "LATENCY HISTOGRAM", "CLIENT LIST", "CLIENT INFO", "COMMAND", "COMMAND DOCS", "CONFIG GET *", "SLOWLOG GET",
            "TIME", "LASTSAVE", "ROLE", "ACL GENPASS", "LOLWUT", "DEBUG JMAP", "RANDOMKEY", "ACL LIST", "MODULE LIST", "MEMORY USAGE before1", "DEBUG HTSTATS 0"])
        {
            client.Call(command.Split(' '));
            server.InStep(command);
        }
    }

    /// <summary>jemalloc gives memory back by its own clock and threads, in each process when it likes.</summary>
    [Theory, MemberData(nameof(Both))]
    public void What_the_allocator_tells_of_itself_is_what_it_told_the_leader(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect();
        string large = new('x', 300_000);
        for (int i = 0; i < 150 * Host.Rounds; i++)
        {
            client.Ok("SET", $"large{i % 20}", large);
            if (i % 3 == 2) client.Call("DEL", $"large{(i + 7) % 20}");
            client.Call("MEMORY", "STATS");
        }
        server.InStep();
    }

    [Theory, MemberData(nameof(Both))]
    public void Configuration_changes_and_killed_clients(Attached attached)
    {
        RedisUnderMvedsua server = StartAttached(attached);
        using RespClient client = server.Connect(), victim = server.Connect();
        foreach (string change in (string[])["hz 50", "maxmemory 100mb", "maxclients 5000", "loglevel debug", "loglevel notice", "timeout 100", "activedefrag yes", "activedefrag no", "lazyfree-lazy-user-del yes"])
            client.Call(["CONFIG", "SET", .. change.Split(' ')]);
        client.Expect("+OK\r\n", "CONFIG", "REWRITE");
        client.Expect("+OK\r\n", "CONFIG", "RESETSTAT");
        string id = victim.Ok("CLIENT", "ID").Trim(':', '\r', '\n');
        client.Expect(":1\r\n", "CLIENT", "KILL", "ID", id);
        Assert.ThrowsAny<Exception>(() => victim.Call("PING"));
        server.InStep();
    }

    [Theory]
    [InlineData(Attached.FromTheStart, false)]
    [InlineData(Attached.FromTheStart, true)]
    [InlineData(Attached.Later, false)]
    public void Replication_as_master_with_full_and_partial_resynchronisation(Attached attached, bool diskless)
    {
        RedisUnderMvedsua master = StartAttached(attached, "--save", "", "--repl-diskless-sync", diskless ? "yes" : "no", "--repl-diskless-sync-delay", "0");
        RedisUnderMvedsua replica = Start(RedisUnderMvedsua.Mode.Native);
        Replicate(master, replica);
        master.InStep();
    }

    [Theory]
    [InlineData(Attached.FromTheStart)]
    [InlineData(Attached.Later)]
    public void Replication_as_replica(Attached attached)
    {
        RedisUnderMvedsua master = Start(RedisUnderMvedsua.Mode.Native);
        RedisUnderMvedsua replica = StartAttached(attached);
        Replicate(master, replica);
        using RespClient client = replica.Connect();
        client.Ok("REPLICAOF", "NO", "ONE");
        client.Expect("+OK\r\n", "SET", "own", "1");
        replica.InStep();
    }

    private static void Replicate(RedisUnderMvedsua master, RedisUnderMvedsua replica)
    {
        using RespClient m = master.Connect(), r = replica.Connect();
        m.Ok("DEBUG", "POPULATE", "2000");
        r.Expect("+OK\r\n", "REPLICAOF", "127.0.0.1", $"{master.Port}");
        Host.Until(() => r.Ok("INFO", "replication").Contains("master_link_status:up"), "the replica is synchronised");
        for (int i = 0; i < 200; i++) m.Ok("INCR", "n");
        Host.Until(() => r.Call("GET", "n") == RespClient.Bulk("200"), "the stream reaches the replica");
        m.Ok("CLIENT", "KILL", "TYPE", "replica");
        for (int i = 0; i < 200; i++) m.Ok("INCR", "n");
        Host.Until(() => r.Call("GET", "n") == RespClient.Bulk("400"), "the replica catches up");
        Assert.Contains("sync_partial_ok:1", m.Ok("INFO", "stats"));
    }

    [Theory]
    [InlineData(Host.SIGTERM)]
    [InlineData(0)]
    public void A_shutdown_ends_leader_and_follower(int signal)
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        client.Ok("SET", "k", "v");
        int leader = server.LeaderPid, follower = server.FollowerPid;
        if (signal != 0) Host.Kill(leader, signal);
        else client.Send("SHUTDOWN", "NOSAVE");
        Host.Until(() => server.HasEnded, "the session ends");
        Assert.Equal(0, server.ExitStatus);
        Assert.False(Host.IsAlive(leader));
        Assert.False(Host.IsAlive(follower));
    }

    [Theory]
    [InlineData(Host.SIGHUP)] /* Redis ignores it */
    [InlineData(Host.SIGUSR1)] /* ends the server */
    public void Other_signals_do_what_they_do_natively(int signal)
    {
        RedisUnderMvedsua native = Start(RedisUnderMvedsua.Mode.Native), server = Start();
        int leader = server.LeaderPid;
        Host.Kill(native.CoordinatorPid, signal);
        Host.Kill(leader, signal);
        if (signal == Host.SIGUSR1)
        {
            Host.Until(() => native.HasEnded && server.HasEnded, "both end");
            Assert.Equal(native.ExitStatus, server.ExitStatus);
            return;
        }
        using RespClient n = native.Connect(), s = server.Connect();
        Assert.Equal(n.Call("PING"), s.Call("PING"));
        server.InStep();
    }
}
