using System.Globalization;
using System.Text;
using Mvedsua.Follower.Tests;
using Mvedsua.Redis.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Rules.Tests;

/// <summary>Servers one after the other: their clients and both versions keep a small machine busy.</summary>
[CollectionDefinition(nameof(RedisRulesTests), DisableParallelization = true)]
public sealed class OneServerAtATime;

/// <summary>What operators ask of a Redis that is being updated, and what it writes into files: with the rules, another version stays beside it, whichever
/// of the two leads.</summary>
[Collection(nameof(RedisRulesTests))]
public sealed class RedisRulesTests : UpdatedRedis
{
    public static TheoryData<string> Pairs => RedisVersions.Pairs;

    /// <summary>Keys of all types.</summary>
    private static void Fill(RespClient client)
    {
        for (int i = 0; i < 20; i++)
        {
            client.Ok("SET", $"text{i}", new string('t', 30 * i));
            client.Ok("RPUSH", "list", $"{i}");
            client.Ok("SADD", "set", $"m{i}");
            client.Ok("HSET", "hash", $"f{i}", $"{i}");
            client.Ok("ZADD", "zset", $"{i}", $"m{i}");
            client.Ok("XADD", "stream", $"{i + 1}-0", "field", "value");
        }
        client.Ok("XGROUP", "CREATE", "stream", "group", "0");
        client.Ok("XREADGROUP", "GROUP", "group", "one", "COUNT", "3", "STREAMS", "stream", ">");
    }

    /// <summary>The old version leads and the new one follows, then the other way round.</summary>
    private (RedisUnderMvedsua Server, string Other) InBothOrders(string pair, Action<RedisUnderMvedsua> exchange, params string[] arguments)
    {
        (RedisUnderMvedsua server, string other) = Server(pair, arguments);
        Update(server, pair, other);
        exchange(server);
        server.InStep("beside the new version");
        Do(server, "promote");
        exchange(server);
        server.InStep("beside the old version");
        return (server, other);
    }

    private static readonly string[] s_sections =
        ["server", "clients", "memory", "persistence", "threads", "stats", "replication", "cpu", "modules", "commandstats", "latencystats", "errorstats", "cluster", "keyspace", "keysizes", "debug"];

    [Theory, MemberData(nameof(Pairs))]
    public void INFO_by_its_sections_one_by_one_several_and_all(string pair) => InBothOrders(pair, server =>
    {
        using RespClient client = server.Connect();
        foreach (string protocol in (string[])["2", "3"])
        {
            client.Ok("HELLO", protocol);
            for (int round = 0; round < 2; round++) /* what the first round told has other lengths, which the second one counts */
            {
                foreach (string section in (string[])[.. s_sections, "default", "all", "everything"]) client.Ok("INFO", section);
                client.Ok("INFO", "stats", "clients", "memory");
                client.Ok("INFO");
                Pipelined(client, [.. s_sections.Select(section => new[] { "INFO", section })]);
                server.InStep($"in round {round} with RESP{protocol}");
            }
        }
    });

    [Theory, MemberData(nameof(Pairs))]
    public void Several_answers_of_the_kind_in_one_write_and_others_between_them(string pair) => InBothOrders(pair, server =>
    {
        using RespClient client = server.Connect();
        client.Ok("SET", "key", new string('v', 50));
        string[] get = ["GET", "key"], info = ["INFO"], stats = ["INFO", "stats"], everything = ["INFO", "everything"], clients = ["CLIENT", "LIST"], memory = ["MEMORY", "STATS"],
            two = ["HELLO", "2"], three = ["HELLO", "3"];
        string[][][] requests =
        [
            [info, three], [three, info], [two, two], [two, get, two], [stats, three, get, everything, two, info], /* HELLO */
            [memory], [get, memory], [memory, get], [info, memory, clients], [three, get], [get, memory, get], [two], /* MEMORY STATS */
            [stats, clients, info], [everything, everything, everything, everything], [.. Enumerable.Repeat(get, 300), info, clients],
        ];
        foreach (string[][] request in requests)
        {
            Pipelined(client, request);
            server.InStep($"after {string.Join(", ", request.TakeLast(6).Select(words => string.Join(' ', words)))}");
        }
    });

    /// <summary>Sent at once: Redis answers at once.</summary>
    private static void Pipelined(RespClient client, params string[][] requests)
    {
        var text = new StringBuilder();
        foreach (string[] words in requests) RespClient.Append(text, words);
        client.SendRaw(text.ToString());
        foreach (string[] words in requests)
        {
            string reply = client.Read();
            Assert.False(reply.StartsWith('-'), $"{string.Join(' ', words)}: {reply}");
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void What_operators_ask_for_beside_INFO(string pair) => InBothOrders(pair, server =>
    {
        using RespClient client = server.Connect();
        client.Ok("FLUSHALL");
        Fill(client);
        foreach (string command in (string[])[
            "MEMORY DOCTOR", "MEMORY MALLOC-STATS", "MEMORY USAGE text19", "MEMORY USAGE hash", "MEMORY USAGE stream", "MEMORY STATS", "MEMORY PURGE", "LATENCY LATEST", "LATENCY DOCTOR",
            "LATENCY HISTOGRAM", "LATENCY RESET", "CLIENT LIST", "CLIENT INFO", "CLIENT TRACKINGINFO", "COMMAND", "COMMAND DOCS", "COMMAND COUNT", "COMMAND LIST", "COMMAND INFO GET", "CONFIG GET *",
            "SLOWLOG GET", "SLOWLOG LEN", "TIME", "LASTSAVE", "ROLE", "ACL LIST", "ACL LOG", "ACL CAT", "ACL USERS", "ACL GENPASS", "LOLWUT", "LOLWUT VERSION 5", "MODULE LIST", "RANDOMKEY",
            "SRANDMEMBER set 5", "SPOP set", "HRANDFIELD hash 3", "ZRANDMEMBER zset 3", "OBJECT ENCODING zset", "OBJECT IDLETIME zset", "OBJECT REFCOUNT zset", "CONFIG SET maxmemory-policy allkeys-lfu",
            "OBJECT FREQ zset", "CONFIG SET maxmemory-policy noeviction", "XINFO STREAM stream FULL", "XINFO GROUPS stream", "XINFO CONSUMERS stream group", "DEBUG OBJECT hash", "DEBUG HTSTATS 0",
            "DEBUG SDSLEN text3", "DEBUG STRUCTSIZE", "PUBSUB CHANNELS", "FUNCTION STATS", "DUMP zset", "SCAN 0 COUNT 5", "WAIT 0 1", "CONFIG RESETSTAT", "INFO stats", "BGSAVE"])
            client.Ok(command.Split(' '));
        server.InStep("after what all versions know");
        if (pair.StartsWith('8'))
            foreach (string command in (string[])["HEXPIRE hash 1000 FIELDS 1 f1", "HPEXPIREAT hash 4102444800000 FIELDS 1 f2", "HTTL hash FIELDS 2 f1 f2", "HGETEX hash EX 5 FIELDS 1 f3", "HSETEX hash PX 1 FIELDS 1 f4 v",
                "HGETDEL hash FIELDS 1 f5", "HPERSIST hash FIELDS 1 f1", "HINCRBYFLOAT hash f9 1.5", "OBJECT ENCODING hash", "VADD vectors VALUES 3 1 2 3 element", "VINFO vectors", "VSIM vectors VALUES 3 1 2 3 WITHSCORES"])
                client.Ok(command.Split(' '));
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the save ends"); /* a promotion waits for no child */
    });

    /// <summary>Both versions use more or less memory. Where the figure has one digit more in one of them, INFO is longer there, and so is the connection's buffer at its
    /// highest; which CLIENT LIST tells, of all connections in one answer of 300 KB.</summary>
    [Theory]
    [InlineData("8.0.2-8.0.6", false)]
    [InlineData("8.0.2-8.0.6", true)]
    public void CLIENT_LIST_of_1000_connections_that_were_told_INFO_of_other_lengths(string pair, bool promoted)
    {
        (RedisUnderMvedsua server, string other) = Server(pair);
        Update(server, pair, other);
        if (promoted) Do(server, "promote");
        RespClient[] clients = [.. Enumerable.Range(0, 1000).Select(_ => server.Connect())];
        try
        {
            foreach (RespClient one in clients) one.Expect("+PONG\r\n", "PING");
            BetweenNumbersOfDigits(clients[0], promoted);
            foreach (RespClient one in clients) one.Ok("INFO", "memory");
            for (int i = 0; i < 2; i++)
            {
                Assert.InRange(clients[i].Ok("CLIENT", "LIST").Length, 200_000, 400_000);
                server.InStep("after CLIENT LIST");
            }
        }
        finally
        {
            foreach (RespClient one in clients) one.Dispose();
        }
    }

    /// <summary>The leader uses a little less memory than a power of ten, or a little more; the other version, with some 170 KB more or less, is on the other side.</summary>
    private static void BetweenNumbersOfDigits(RespClient client, bool above)
    {
        long used = UsedMemory(client), aim = 1;
        while (aim < used + 300_000) aim *= 10;
        aim += above ? 80_000 : -80_000;
        for (int i = 0; Math.Abs(aim - (used = UsedMemory(client))) > 40_000; i++)
        {
            Assert.True(i < 60 && used < aim, $"{used} bytes are used, not about {aim}");
            client.Ok("EVAL", "for i = 1, tonumber(ARGV[1]) do redis.call('SET', KEYS[1] .. i, string.rep('x', 1000)) end", "1", $"filler{i}:", $"{(aim - used) / 2200}");
        }
    }

    private static long UsedMemory(RespClient client)
    {
        string line = client.Ok("INFO", "memory").Split("\r\n").Single(text => text.StartsWith("used_memory:", StringComparison.Ordinal));
        return long.Parse(line["used_memory:".Length..], CultureInfo.InvariantCulture);
    }

    [Theory, MemberData(nameof(Pairs))]
    public void SAVE_and_DEBUG_RELOAD_and_a_SHUTDOWN_that_saves_leave_the_leader_s_file(string pair)
    {
        (RedisUnderMvedsua server, string other) = InBothOrders(pair, server =>
        {
            using RespClient client = server.Connect();
            client.Ok("FLUSHALL");
            Fill(client);
            client.Ok("EVAL", "for i = 1, 20000 do redis.call('SET', 'number' .. i, i) end", "0");
            client.Expect("+OK\r\n", "SAVE");
            server.InStep("after SAVE");
            client.Expect("+OK\r\n", "DEBUG", "RELOAD");
            client.Expect("+OK\r\n", "SAVE");
            client.Expect(":20025\r\n", "DBSIZE");
        });
        using RespClient last = server.Connect();
        string digest = last.Ok("DEBUG", "DIGEST");
        last.Send("SHUTDOWN", "SAVE");
        Host.Until(() => server.HasEnded, "both versions have ended");
        Assert.Equal(0, server.ExitStatus);
        Holds(Server(other, RedisUnderMvedsua.Mode.Native, ["--dir", server.Folder, "--save", "\"\""]), digest);
    }

    /// <summary>It has read a file, with these keys in it.</summary>
    private static void Holds(RedisUnderMvedsua reader, string digest)
    {
        using RespClient client = reader.Connect();
        Host.Until(() => client.Ok("INFO", "persistence").Contains("\r\nloading:0\r\n"), "it has loaded");
        client.Expect(digest, "DEBUG", "DIGEST");
    }

    [Theory, MemberData(nameof(Pairs))]
    public void CONFIG_REWRITE_writes_the_settings_once(string pair)
    {
        (string old, string other) = RedisVersions.Build(pair);
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: [old, "{folder}/redis.conf", "--save", ""]);
        server.Answers();
        string[] before = Directory.GetFiles(server.Folder, "redis.conf*");
        Update(server, pair, other);
        for (int leads = 0; leads < 2; leads++)
        {
            using RespClient client = server.Connect();
            for (int i = 0; i < 40; i++) /* so often that libc asks for chance in some of them */
            {
                client.Ok("CONFIG", "SET", "timeout", $"{1000 * leads + 100 + i}");
                client.Expect("+OK\r\n", "CONFIG", "REWRITE");
            }
            server.InStep("after CONFIG REWRITE");
            Assert.Contains($"timeout {1000 * leads + 139}\n", File.ReadAllText(Path.Combine(server.Folder, "redis.conf")));
            Assert.Equal(before, Directory.GetFiles(server.Folder, "redis.conf*"));
            if (leads == 0) Do(server, "promote");
        }
    }

    /// <summary>8.0.6 tells its append-only file and its replicas HSETEX, where 8.0.2 tells them HSET. No rule takes one for the other: the file's size and the replicas'
    /// offsets would differ from then on.</summary>
    [Theory]
    [InlineData("the append-only file", false)]
    [InlineData("the append-only file", true)]
    [InlineData("a replica", false)]
    [InlineData("a replica", true)]
    public void HINCRBYFLOAT_that_is_propagated_ends_the_version_that_follows_and_harms_neither_the_service_nor_a_replica(string to, bool promoted)
    {
        const string Pair = "8.0.2-8.0.6";
        bool isFile = to != "a replica";
        (RedisUnderMvedsua server, string other) = Server(Pair);
        using RespClient client = server.Connect();
        Fill(client);
        RedisUnderMvedsua? replica = isFile ? null : Server(RedisVersions.Build(Pair).Old, RedisUnderMvedsua.Mode.Native, ["--save", "\"\"", "--replicaof", "127.0.0.1", $"{server.Port}"]);
        using RespClient? replicated = replica?.Connect();
        if (replicated is not null) Host.Until(() => replicated.Ok("INFO", "replication").Contains("master_link_status:up"), "the replica is in step");
        Update(server, Pair, other);
        if (promoted) Do(server, "promote");
        if (isFile)
        {
            client.Expect("+OK\r\n", "CONFIG", "SET", "appendonly", "yes");
            Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n"), "the file is there");
        }
        server.InStep();
        int leader = server.LeaderPid;

        client.Expect("$3\r\n2.5\r\n", "HINCRBYFLOAT", "floats", "field", "2.5");
        Assert.Contains("it diverged from the leader", server.FollowerEnded());
        string report = server.Report();
        Assert.Contains("HSETEX", report);
        Assert.Matches(@"HSET\.", report);
        Assert.Equal(leader, server.LeaderPid);
        client.Expect("$1\r\n5\r\n", "HINCRBYFLOAT", "floats", "field", "2.5");
        client.Expect("+OK\r\n", "SET", "after", "it");
        string digest = client.Ok("DEBUG", "DIGEST");
        if (replicated is not null)
        {
            Host.Until(() => replicated.Call("GET", "after") == RespClient.Bulk("it"), "the replica has all");
            replicated.Expect(digest, "DEBUG", "DIGEST");
            Assert.Contains("sync_full:1\r\nsync_partial_ok:0\r\n", client.Ok("INFO", "stats"));
            return;
        }
        client.Send("SHUTDOWN");
        Host.Until(() => server.HasEnded, "the server has ended");
        Holds(Server(other, RedisUnderMvedsua.Mode.Native, ["--dir", server.Folder, "--appendonly", "yes"]), digest);
    }

    /// <summary>8.0.6 has another form of them in files, and chooses in another way.</summary>
    [Fact]
    public void A_vector_set_that_is_dumped_ends_the_new_version_and_the_old_one_serves_on()
    {
        (RedisUnderMvedsua server, string other) = Server("8.0.2-8.0.6");
        using RespClient client = server.Connect();
        client.Expect(":1\r\n", "VADD", "vectors", "VALUES", "3", "1", "2", "3", "element");
        Update(server, "8.0.2-8.0.6", other);
        int leader = server.LeaderPid;
        string dump = client.Ok("DUMP", "vectors");
        Assert.Contains("it diverged from the leader", server.FollowerEnded());
        client.Expect(dump, "DUMP", "vectors");
        Assert.Equal(leader, server.LeaderPid);
    }

    [Theory]
    [InlineData("7.0.15 u7-u10")]
    [InlineData("7.0.15 u10-u7")]
    public void Both_versions_evict_the_same_keys_where_they_use_the_same_memory(string pair)
    {
        (RedisUnderMvedsua server, _) = InBothOrders(pair, server => Overfill(server, 17), "--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru");
        using RespClient client = server.Connect();
        Assert.DoesNotContain("evicted_keys:0\r\n", client.Ok("INFO", "stats"));
    }

    [Fact]
    public void Where_the_new_version_uses_other_memory_it_is_ended_as_keys_are_evicted_and_the_old_one_serves_on()
    {
        (RedisUnderMvedsua server, string other) = Server("8.0.2-8.0.6", "--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru");
        Update(server, "8.0.2-8.0.6", other);
        int leader = server.LeaderPid;
        Overfill(server, 18);
        Assert.Contains("it diverged from the leader", server.FollowerEnded());
        Overfill(server, 19);
        Assert.Equal(leader, server.LeaderPid);
    }

    /// <summary>Values for which there is no room, from several connections; what is still there is right.</summary>
    private static void Overfill(RedisUnderMvedsua server, int seed) => Parallel.For(0, 4, connection =>
    {
        var random = new Random(seed * 10 + connection);
        using RespClient client = server.Connect();
        for (int i = 0; i < 100; i++)
        {
            var text = new StringBuilder();
            int[] keys = [.. Enumerable.Range(0, 50).Select(_ => random.Next(10_000))];
            foreach (int key in keys)
            {
                RespClient.Append(text, "SET", $"{connection}:{key}", Value(key));
                RespClient.Append(text, "GET", $"{connection}:{key / 2}");
            }
            client.SendRaw(text.ToString());
            foreach (int key in keys)
            {
                Assert.Equal("+OK\r\n", client.Read());
                string reply = client.Read();
                Assert.True(reply == "$-1\r\n" || reply == RespClient.Bulk(Value(key / 2)), reply);
            }
        }
    });

    private static string Value(int key) => new((char)('a' + key % 26), key % 700);
}
