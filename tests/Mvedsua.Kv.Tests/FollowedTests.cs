using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>The sample server under Mvedsua, leader and followers of the same release.</summary>
public sealed class FollowedTests : ConfiguredServers
{
    public static TheoryData<string, int> Served => [("1.0", 0), ("1.1", 0), ("2.0", 0), ("3.0", 0), ("1.0", 3), ("2.0", 3)];

    private RedisUnderMvedsua Server(RedisUnderMvedsua.Mode mode, string release, int threads = 0)
    {
        string program = KvPrograms.Of(release);
        return StartConfigured(mode, [program, "--port", "{port}", "--log", "{folder}/kv.log", "--threads", $"{threads}"], _ => { });
    }

    private static KvCommands Commands(string release) => release switch
    {
        "2.0" => KvCommands.Typed,
        "3.0" => KvCommands.WithoutPut,
        _ => KvCommands.Texts,
    };

    [Theory]
    [InlineData("1.0")]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public void Clients_are_told_the_same_natively_solo_and_followed(string release)
    {
        List<string> Told(RedisUnderMvedsua.Mode mode)
        {
            RedisUnderMvedsua server = Server(mode, release);
            List<string> told = Transcript.Play(server.Port);
            if (mode == RedisUnderMvedsua.Mode.Followed) server.InStep();
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native);
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed));
    }

    [Theory]
    [MemberData(nameof(Served))]
    public void Every_answer_is_right_solo(string release, int threads)
    {
        RedisUnderMvedsua server = Server(RedisUnderMvedsua.Mode.Solo, release, threads);
        using var load = KvClient.Load(server.Port, 6, 3, threads > 0, () => Commands(release));
        load.More(1000);
        load.Finish();
    }

    [Theory]
    [MemberData(nameof(Served))]
    public void A_follower_stays_in_step_under_load_and_serves_on_when_the_leader_is_killed(string release, int threads)
    {
        RedisUnderMvedsua server = Server(RedisUnderMvedsua.Mode.Followed, release, threads);
        using var load = KvClient.Load(server.Port, 6, 4, threads > 0, () => Commands(release));
        for (int kill = 0; kill < 3; kill++)
        {
            load.More(500);
            server.InStepUnderLoad();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            load.More(200);
            server.Follow();
        }
        load.More(300);
        load.Finish();
        server.InStep();
        using var line = new KvLine(server.Port);
        Assert.Equal($"COUNT {load.Clients.Sum(client => client.Keys.Count)}", line.Ask("COUNT"));
    }

    [Theory]
    [InlineData("1.0", 0)]
    [InlineData("2.0", 3)]
    public void Thousands_of_connections_outlive_the_leader(string release, int threads)
    {
        RedisUnderMvedsua server = Server(RedisUnderMvedsua.Mode.Followed, release, threads);
        using var crowd = new KvCrowd(server.Port, 3000);
        crowd.Round();
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        crowd.Round();
        server.Follow();
        crowd.Round();
        server.InStep();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Keys_expire_at_the_same_requests_before_and_after_a_failover(int threads)
    {
        RedisUnderMvedsua server = Server(RedisUnderMvedsua.Mode.Followed, "2.0", threads);
        using var line = new KvLine(server.Port);
        for (int i = 0; i < 200; i++)
        {
            line.Send($"PUT key{i} v\nEXPIRE key{i} {(i < 100 ? 100 : 1500)}\n");
            Assert.Equal("OK OK", $"{line.Read()} {line.Read()}");
        }
        Host.Until(() => line.Ask("COUNT") == "COUNT 100", "the first half has expired");
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Host.Until(() => line.Ask("COUNT") == "COUNT 0", "the second half has expired");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void SIGTERM_ends_leader_and_follower_cleanly(int threads)
    {
        RedisUnderMvedsua server = Server(RedisUnderMvedsua.Mode.Followed, "1.1", threads);
        using var line = new KvLine(server.Port);
        Assert.Equal("PONG", line.Ask("PING"));
        Host.Kill(server.LeaderPid, Host.SIGTERM);
        Host.Until(() => server.HasEnded, "mvedsua run ends");
        Assert.Equal(0, server.ExitStatus);
        Assert.True(line.IsAtEnd());
        Assert.EndsWith(" notice kv 1.1 has ended", File.ReadAllText(Path.Combine(server.Folder, "kv.log")).TrimEnd());
    }

    [Fact]
    public void The_calls_of_the_release_that_makes_refused_ones_are_refused_and_it_goes_on()
    {
        RedisUnderMvedsua server = Server(RedisUnderMvedsua.Mode.Followed, "2.0-refused");
        using var line = new KvLine(server.Port);
        Assert.Equal("NONE", line.Ask("TTL key"));
        Assert.Equal("PONG", line.Ask("PING"));
        string log = File.ReadAllText(Path.Combine(server.Folder, "kv.log"));
        Assert.Contains("no ring: ", log);
        Assert.Contains("no tracing: ", log);
        Host.Until(() => server.Log.Contains("io_uring_setup") && server.Log.Contains("ptrace"), "the operator is told");
    }
}
