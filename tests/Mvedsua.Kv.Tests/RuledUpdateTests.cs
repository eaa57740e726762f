using Mvedsua.Drill;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>Releases of the sample server whose calls and commands differ: the rules of rules/kv stand between them, and clients that know
/// every answer are served all the while.</summary>
public sealed class RuledUpdateTests : UpdatedServers
{
    private static string Rules(string pair) => Path.Combine(Host.Root, "rules/kv", pair);

    private static void Released(RedisUnderMvedsua server, string from, string to)
    {
        /* 1.0 and 1.1 have the same types. */
        string description = Path.Combine(Rules(to == "2.0" ? "1.0-2.0" : $"{from}-{to}"), "update.description");
        Host.Result result = server.Mvedsua("update", RedisUnderMvedsua.Name, "--to", KvPrograms.Of(to), "--description", description, "--rules", Rules($"{from}-{to}"));
        Assert.True(result.Status == 0, $"update: {result.Output}{result.Errors}\n{server.History}\n{server.Mvedsua("report", RedisUnderMvedsua.Name).Output}");
    }

    [Theory]
    [InlineData("1.0", "1.1")]
    [InlineData("1.0", "2.0")]
    [InlineData("1.1", "2.0")]
    [InlineData("2.0", "3.0")]
    public void Another_release_is_compared_leads_follows_and_leads_again_and_no_client_notices(string from, string to)
    {
        RedisUnderMvedsua server = Server(from);
        using var load = KvClient.Load(server.Port, 8, 21, commands: () => to == "3.0" ? KvCommands.WithoutPut : KvCommands.Texts);
        load.More(300);
        Released(server, from, to);
        load.More(300);
        Agrees(server);
        for (int i = 0; i < (3 * Host.Rounds | 1); i++) /* the new release leads at last */
        {
            Do(server, "promote");
            load.More(300);
            Agrees(server);
        }
        Assert.Equal("updated-leader", Stage(server));
        Do(server, "commit");
        load.More(300);
        HasAll(server, load);
        using var line = new KvLine(server.Port);
        Assert.Equal($"VERSION {to}", line.Ask("VERSION"));
    }

    /// <summary>As long as the old release leads, nobody has the new one's commands; once it follows, the reverse rules tell it others
    /// of the same effect.</summary>
    [Fact]
    public void New_commands_come_with_the_promotion_and_the_old_release_still_follows()
    {
        RedisUnderMvedsua server = Server("1.0");
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        Released(server, "1.0", "2.0");
        Assert.Equal("ERROR unknown command", line.Ask("SET key other"));
        Assert.Equal("VALUE value", line.Ask("GET key"));
        Assert.Equal("VERSION 1.0", line.Ask("VERSION"));
        Agrees(server);
        Do(server, "promote");
        Assert.Equal("OK", line.Ask("SET key other"));
        Assert.Equal("OK", line.Ask("PUT-number n 12"));
        Assert.Equal("TYPE number", line.Ask("TYPE n"));
        Assert.Equal("VERSION 2.0", line.Ask("VERSION"));
        server.InStep();
        Agrees(server);
        Do(server, "promote");
        Assert.Equal("VALUE other", line.Ask("GET key"));
        Assert.Equal("VALUE 12", line.Ask("GET n"));
        Agrees(server);
    }

    /// <summary>Neither release has the other's name for it, and both keep what was said.</summary>
    [Fact]
    public void A_command_that_the_new_release_calls_otherwise_has_the_same_effect_in_both()
    {
        RedisUnderMvedsua server = Server("2.0");
        using var line = new KvLine(server.Port);
        Released(server, "2.0", "3.0");
        Assert.Equal("OK", line.Ask("PUT key value"));
        Assert.Equal("CONFIG scan-limit 1000", line.Ask("CONFIG scan-limit"));
        Agrees(server);
        Do(server, "promote");
        Assert.Equal("VALUE value", line.Ask("GET key"));
        Assert.Equal("ERROR unknown command", line.Ask("PUT key other"));
        Assert.Equal("CONFIG scan-limit 100", line.Ask("CONFIG scan-limit"));
        Assert.Equal("OK", line.Ask("SET key other"));
        Agrees(server);
        Do(server, "promote");
        Assert.Equal("VALUE other", line.Ask("GET key"));
        Assert.Equal("OK", line.Ask("PUT key third"));
        Agrees(server);
    }

    /// <summary>A number can't be added to by any command of the old release.</summary>
    [Fact]
    public void What_no_rule_reconciles_ends_the_old_release_and_the_new_one_serves_on()
    {
        RedisUnderMvedsua server = Server("1.0");
        using var line = new KvLine(server.Port);
        Released(server, "1.0", "2.0");
        Do(server, "promote");
        Assert.Equal("OK", line.Ask("PUT-number n 12"));
        Assert.Equal("NUMBER 20", line.Ask("ADD n 8"));
        server.FollowerEnded();
        Assert.Equal("NUMBER 21", line.Ask("ADD n 1"));
    }

    /// <summary>What could break it: the leader dies having made a part of the calls for which a rule has one of its follower, or one for
    /// which that has several. Kills at any moment, under load.</summary>
    [Theory]
    [InlineData("1.0", "1.1", false)]
    [InlineData("1.0", "1.1", true)]
    [InlineData("1.0", "2.0", false)]
    [InlineData("1.0", "2.0", true)]
    public void A_leader_that_dies_anywhere_is_succeeded_by_the_other_release_and_no_client_notices(string from, string to, bool promoted)
    {
        for (int round = 0; round < 4 * Host.Rounds; round++)
        {
            int seed = 31 + round;
            RedisUnderMvedsua server = Server(from);
            using var load = KvClient.Load(server.Port, 8, seed);
            load.More(100);
            Released(server, from, to);
            if (promoted) Do(server, "promote");
            load.More(100 + new Random(seed).Next(200));
            Agrees(server);
            int killed = Pid(server), other = Pid(server, follower: true);
            Host.Kill(killed, Host.SIGKILL);
            Host.Until(() => !Host.IsAlive(killed) && Pid(server) == other, "the other one leads");
            load.More(200);
            HasAll(server, load);
            Assert.True(!server.Log.Contains("shut down", StringComparison.Ordinal), server.Log);
        }
    }

    /// <summary>What could break it: some of the calls that stand for one of the other release have records, one was made without, and one
    /// not at all.</summary>
    [Theory]
    [InlineData("before-call")]
    [InlineData("after-call")]
    [InlineData("record-written")]
    [InlineData("published")]
    public void A_leader_that_dies_at_a_point_within_a_rule_is_succeeded_by_the_other_release(string point)
    {
        using Variant variant = Variant.WithFaults();
        for (int round = 0; round < 4 * Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Server("1.0", variant.Products, $"{point}:{4000 + 313 * round}");
            using var load = KvClient.Load(server.Port, 8, 51 + round);
            load.More(100);
            int leader = Pid(server);
            Released(server, "1.0", "1.1");
            Host.Until(() => !Host.IsAlive(leader) || load.Wrong is not null, "the leader dies");
            Assert.True(load.Wrong is null, load.Wrong);
            server.PromotedFrom(leader);
            load.More(200);
            HasAll(server, load);
            Assert.True(!server.Log.Contains("shut down", StringComparison.Ordinal), server.Log);
        }
    }

    /// <summary>It goes on to replay, finds its leader dead, and serves.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(160)]
    public void A_copy_whose_leader_dies_during_its_update_serves_as_the_new_release(int calls)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Server("1.0", variant.Products, $"after-call:{calls}");
        using var load = KvClient.Load(server.Port, 6, calls);
        load.More(100);
        int leader = Pid(server);
        Released(server, "1.0", "1.1");
        server.PromotedFrom(leader);
        load.More(200);
        HasAll(server, load);
        using var line = new KvLine(server.Port);
        Assert.Equal("VERSION 1.1", line.Ask("VERSION"));
    }
}
