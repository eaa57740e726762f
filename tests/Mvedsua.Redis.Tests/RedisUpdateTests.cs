using Mvedsua.Drill.Redis;
using Mvedsua.Follower.Tests;
using Mvedsua.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>Redis of Debian's sources, with its helper threads, is updated by the command while it serves.</summary>
public sealed class RedisUpdateTests : UpdatedRedis
{
    [Theory]
    [MemberData(nameof(RedisVersions.Pairs), MemberType = typeof(RedisVersions))]
    public void What_clients_had_begun_goes_on_in_the_new_version_and_data_is_the_same(string pair)
    {
        (RedisUnderMvedsua server, string other) = Server(pair);
        using var state = new RedisState(server.Connect);
        state.Begin();
        Update(server, pair, other);
        state.Finish();
        server.InStep($"beside {other}");
        state.Begin();
        (int old, int updated) = (server.LeaderPid, server.FollowerPid);
        Do(server, "promote");
        Assert.Equal((updated, old), (server.LeaderPid, server.FollowerPid));
        state.Finish();
        server.InStep("when it was promoted");
        state.Begin();
        Do(server, "commit");
        state.Finish();
        Assert.Equal((updated, 0), (server.LeaderPid, server.FollowerPid));
    }

    /// <summary>Its clients know every answer; it saves in the background, and writes a file of its commands.</summary>
    [Fact]
    public void Updates_under_load_with_saves_and_an_append_only_file_are_not_noticed_by_clients()
    {
        string[] pairs = ["7.0.15 u7-u10", "7.0.15 u10-u7"];
        (RedisUnderMvedsua server, string other) = Server(pairs[0], "--appendonly", "yes");
        string[] programs = [other, RedisVersions.Build(pairs[0]).Old];
        using var load = new RedisLoad(server.Port, 31);
        for (int i = 0; i < 4; i++)
        {
            load.More(1500);
            Update(server, pairs[i % 2], programs[i % 2]);
            load.More(1500);
            Agrees(server);
            Promote(server);
            load.More(1500);
            Agrees(server);
            Do(server, "commit");
        }
        server.HasAll(load);
    }

    /// <summary>A security update changes code alone: the two files are all that has to be said. Forth and back, and forth again: an update's own image is
    /// the old version of the next.</summary>
    [Fact]
    public void Updates_that_change_code_alone_need_no_description()
    {
        (RedisUnderMvedsua server, string other) = Server("7.0.15 u7-u10");
        string[] programs = [other, RedisVersions.Build("7.0.15 u7-u10").Old];
        using RespClient client = server.Connect();
        string id = client.Call("CLIENT", "ID");
        Assert.Equal("+OK\r\n", client.Call("MULTI"));
        Assert.Equal("+QUEUED\r\n", client.Call("INCR", "once"));
        using var load = new RedisLoad(server.Port, 34);
        for (int i = 0; i < 3; i++)
        {
            load.More(1000);
            string said = Do(server, "update", i == 1 ? ["--to", programs[1]] : ["--to", programs[i % 2], "--rules", DebianServer.Rules("redis")]);
            Assert.Matches("(?m)^goes on in aeMain\\(eventLoop=0x[0-9a-f]+\\), the function below main in which the old version waits \\(inferred; a description's \"resume\" says otherwise\\)$", said);
            load.More(1000);
            Agrees(server);
            int updated = server.FollowerPid;
            Promote(server);
            load.More(1000);
            Agrees(server);
            Do(server, "commit");
            Assert.Equal((updated, 0), (server.LeaderPid, server.FollowerPid));
        }
        Assert.Contains(" and goes on in aeMain(eventLoop=0x", server.History, StringComparison.Ordinal);
        Assert.Equal("*1\r\n:1\r\n", client.Call("EXEC"));
        Assert.Equal(id, client.Call("CLIENT", "ID"));
        client.Call("DEL", "once");
        server.HasAll(load);
    }

    /// <summary>Whoever leads is killed while the new version is compared with it, or when they have changed places. (<see cref="KilledUpdateTests"/> is of the
    /// update itself.)</summary>
    [Fact]
    public void A_leader_that_is_killed_after_an_update_or_a_promotion_is_succeeded_and_no_client_notices()
    {
        var random = new Random(32);
        string[] pairs = ["7.0.15 u7-u10", "7.0.15 u10-u7"];
        (RedisUnderMvedsua server, string other) = Server(pairs[0]);
        string[] programs = [RedisVersions.Build(pairs[0]).Old, other];
        int runs = 0; /* which of the two */
        using var load = new RedisLoad(server.Port, 33);
        for (int i = 0; i < 4 * Host.Rounds; i++)
        {
            load.More(500);
            Update(server, pairs[runs], programs[1 - runs]);
            load.More(random.Next(500));
            bool promoted = random.Next(2) == 0;
            if (promoted) Promote(server);
            load.More(random.Next(500));
            Agrees(server);
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            if (!promoted) runs = 1 - runs;
            load.More(500);
        }
        server.HasAll(load);
    }
}
