using System.Text.RegularExpressions;
using Mvedsua.Drill.Redis;
using Mvedsua.Follower.Tests;
using Mvedsua.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>The faults of the Mvedsua paper, by Redis: in the new version, in the conversion, in the moment. Clients that know every answer
/// notice none of them.</summary>
public sealed class BrokenUpdateTests : UpdatedRedis
{
    private const string Pair = "7.0.15 u7-u10", NewVersion = "7.0.15-1~deb12u10", WrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

    [Theory]
    [InlineData("none", "*1\r\n$-1\r\n", "it was killed by SIGSEGV", "hashTypeGetValue")]
    [InlineData("text", WrongType, "took another lock", "_serverPanic+")]
    [InlineData("set", WrongType, "called write with different bytes, the first at offset 0", "-WRONGTYPE")]
    public void A_new_version_that_breaks_at_a_command_is_ended_by_name_and_the_old_one_has_answered(string key, string answer, string what, string where)
    {
        string broken = DebianServer.BuildPatched("redis", NewVersion, "crash");
        (RedisUnderMvedsua server, _) = Server(Pair);
        int leader = server.LeaderPid;
        using var load = new RedisLoad(server.Port, 51);
        using RespClient client = server.Connect();
        client.Expect(":1\r\n", "SADD", "set", "member");
        client.Expect("+OK\r\n", "SET", "text", "words");
        Update(server, Pair, broken);
        load.More(500);
        Agrees(server);
        client.Expect(answer, "HMGET", key, "member");
        server.FollowerEnded();
        string report = server.Report();
        Tell(report);
        Assert.Contains(what, report);
        Assert.Contains(where, report);
        Assert.Equal((leader, "single-leader"), (server.LeaderPid, Stage(server)));
        load.More(500);
        client.Expect(":2\r\n", "DEL", "set", "text");
        server.HasAll(load);
    }

    [Fact]
    public void A_conversion_that_frees_what_is_in_use_is_found_at_the_first_answer_that_it_spoils()
    {
        (RedisUnderMvedsua server, string other) = Server(Pair);
        int leader = server.LeaderPid;
        using var load = new RedisLoad(server.Port, 52);
        load.More(500);
        Host.Result result = server.Mvedsua(["update", RedisUnderMvedsua.Name, .. Request(other, Fault("frees"))]);
        Tell($"update: {result.Status} {result.Output}{result.Errors}"); /* the first answer may come before its end, or after */
        load.More(2000);
        server.FollowerEnded();
        string report = server.Report();
        Tell(report);
        /* What took the place of "+OK" is sent (by another call, where it is longer than a client's buffer), or Redis stumbles over it where it sends. */
        string follower = report[report.IndexOf("Follower, thread", StringComparison.Ordinal)..];
        Assert.True(Regex.IsMatch(report, @"First difference: outgoing bytes.*\n +leader .*\|.*\+OK") || Regex.IsMatch(follower, @"#[0-9]+ +_?addReply[\w.]*\+0x[0-9a-f]+ in redis-server")
            || Regex.IsMatch(report, @"First difference: call\n +leader +write\(.*\n +follower +writev\(")
            || Regex.IsMatch(report, @"killed by SIGSEGV[\s\S]*(_?addReply[\w.]*|mem(cpy|move)\w*)\+0x"), report);
        Assert.Equal((leader, "single-leader"), (server.LeaderPid, Stage(server)));
        server.HasAll(load);
    }

    /// <summary>The first attempt finds a client that has sent half a command, the second one none.</summary>
    [Fact]
    public void A_fault_of_the_moment_is_gone_at_the_next_attempt()
    {
        string broken = DebianServer.BuildPatched("redis", NewVersion, "halves");
        (RedisUnderMvedsua server, _) = Server(Pair);
        using RespClient half = server.Connect(), client = server.Connect();
        using var load = new RedisLoad(server.Port, 53);
        load.More(500);
        half.SendRaw("*2\r\n$4\r\nECHO\r\n$8\r\nhalf");
        client.Expect("+PONG\r\n", "PING"); /* and so the half has been read */
        using var update = new Updating(server, broken, Fault("halves"), ["--rules", DebianServer.Rules("redis"), "--warm-up", "1500ms", "--retry", "3"]);
        update.Is("monitoring");
        half.SendRaw("ness\r\n");
        Assert.Equal(RespClient.Bulk("halfness"), half.Read());
        Host.Result result = update.Outcome();
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Contains("attempt 1 of 4 failed, the next one comes in 500 ms", result.Output);
        string report = server.Report();
        Tell(report);
        Assert.Contains("called read with different values of 'count'", report); /* there is more room without the half */
        Promote(server);
        load.More(500);
        Do(server, "commit");
        half.Expect(RespClient.Bulk("whole"), "ECHO", "whole");
        server.HasAll(load);
    }

    private static string Fault(string name) => Path.Combine(Host.Root, "tests/Mvedsua.Redis.Tests/Faults", $"{name}.description");
}
