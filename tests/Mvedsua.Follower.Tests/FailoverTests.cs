namespace Mvedsua.Follower.Tests;

public sealed class FailoverTests : ServerTests
{
    public static TheoryData<int> Deaths => [Host.SIGKILL, Host.SIGSEGV, Host.SIGBUS, Host.SIGILL, Host.SIGFPE, Host.SIGABRT];

    [Theory]
    [MemberData(nameof(Deaths))]
    public void The_follower_serves_on_in_the_middle_of_load_when_the_leader_dies(int signal)
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start();
            using var load = new CheckedLoad(server, 20);
            load.More(2000);
            int leader = server.LeaderPid;
            Host.Kill(leader, signal);
            int promoted = server.PromotedFrom(leader);
            load.More(2000);
            Tell($"slowest request {load.Slowest.TotalMilliseconds:F1} ms, {load.Ambiguous} repeated, {load.Closed} closed");
            load.Finish();
            Assert.InRange(load.Ambiguous + load.Closed, 0, 1);
            Assert.False(Host.IsAlive(leader));
            Assert.True(Host.IsAlive(promoted));
            using RespClient late = server.Connect(); /* the listening socket lives on */
            late.Expect("+PONG\r\n", "PING");
            server.Follow();
            server.InStep();
        }
    }

    /// <summary>The signal comes to the main thread, which waits for another one. What could break it: its death is published, and the follower's
    /// thread, which waits in the same way for a thread of its own, never reads it.</summary>
    [Theory]
    [MemberData(nameof(Deaths))]
    public void A_leader_whose_main_thread_is_killed_in_a_wait_for_another_is_succeeded(int signal)
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("joins"), prepare: OwnServer.Compile("joins"));
        server.Answers();
        using var line = new Line(server);
        Assert.Equal("1", line.Ask("a"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, signal);
        Assert.Equal("2", line.Ask("b"));
        server.PromotedFrom(leader);
    }

    [Fact]
    public void An_exit_that_only_the_leader_makes_hands_over_to_the_follower()
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 10);
        load.More(1000);
        int leader = server.LeaderPid;
        /* Between two calls, in the program's own code, and in this process alone. */
        Host.Result gdb = Host.Run(server.Folder, "gdb", "-q", "-batch", "-p", $"{leader}", "-ex", "break epoll_wait", "-ex", "continue",
            "-ex", "call (void)_exit(3)");
        Host.Until(() => !Host.IsAlive(leader), $"the leader exits ({gdb.Output} {gdb.Errors})");
        server.PromotedFrom(leader);
        Assert.Contains("It exited by itself, and its follower did not", server.Report());
        load.More(1000);
        load.Finish();
        server.Follow();
        server.InStep();
    }

    [Fact]
    public void Ten_generations_of_leaders_die_under_load_and_nothing_is_lost()
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start();
            using var load = new CheckedLoad(server, 20);
            for (int generation = 0; generation < 10; generation++)
            {
                load.More(500);
                int leader = server.LeaderPid;
                Host.Kill(leader, generation % 3 == 2 ? Host.SIGSEGV : Host.SIGKILL);
                server.PromotedFrom(leader);
                load.More(500);
                server.Follow();
            }
            Tell($"slowest request {load.Slowest.TotalMilliseconds:F1} ms, {load.Ambiguous} repeated, {load.Closed} closed");
            load.Finish();
            Assert.InRange(load.Ambiguous + load.Closed, 0, 10);
            server.InStep();
        }
    }

    [Fact]
    public void Expiry_goes_on_after_a_failover()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        client.Expect("+OK\r\n", "SET", "short", "v", "PX", "700");
        client.Expect("+OK\r\n", "SET", "long", "v", "EX", "1000");
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Host.Until(() => client.Call("DBSIZE") == ":1\r\n", "the server's own timer expires the key");
        client.Expect(RespClient.Bulk("v"), "GET", "long");
        server.Follow();
        server.InStep();
    }

    [Fact]
    public void A_child_of_the_dead_leader_is_waited_for()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        client.Ok("CONFIG", "SET", "rdb-key-save-delay", "2000"); /* microseconds a key */
        client.Ok("DEBUG", "POPULATE", "300");
        client.Ok("BGSAVE");
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Contains("rdb_bgsave_in_progress:1", client.Ok("INFO", "persistence"));
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the save ends");
        Assert.Contains("rdb_last_bgsave_status:ok", client.Ok("INFO", "persistence"));
        client.Ok("CONFIG", "SET", "rdb-key-save-delay", "0");
        client.Ok("BGSAVE"); /* the promoted one can save itself */
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the second save ends");
        Assert.Contains("rdb_last_bgsave_status:ok", client.Ok("INFO", "persistence"));
        server.Follow();
        server.InStep();
    }

    [Theory]
    [InlineData("always")]
    [InlineData("everysec")]
    [InlineData("no")]
    public void The_append_only_file_goes_on_across_a_failover(string policy)
    {
        RedisUnderMvedsua server = Start(redis: ["--save", "", "--appendonly", "yes", "--appendfsync", policy]);
        using RespClient client = server.Connect();
        for (int i = 0; i < 100; i++) client.Expect($":{i + 1}\r\n", "INCR", "n");
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        for (int i = 100; i < 200; i++) client.Expect($":{i + 1}\r\n", "INCR", "n");
        client.Ok("BGREWRITEAOF");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the rewrite ends");
        Assert.Contains("aof_last_bgrewrite_status:ok", client.Ok("INFO", "persistence"));
        for (int i = 200; i < 300; i++) client.Expect($":{i + 1}\r\n", "INCR", "n");
        server.Follow();
        server.InStep();
        client.Ok("CONFIG", "SET", "appendfsync", "always");
        client.Ok("SET", "last", "1");
        client.Expect("+OK\r\n", "DEBUG", "LOADAOF"); /* what stands in the file is the data */
        client.Expect(RespClient.Bulk("300"), "GET", "n");
        server.InStep();
    }
}
