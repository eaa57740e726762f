namespace Mvedsua.Follower.Tests;

/// <summary>Roles under the shim that checks its own arithmetic (UBSan): undefined behaviour ends the process that meets it
/// by SIGILL, which would be seen here as a lost follower or as a leader that nobody killed.</summary>
public sealed class CheckedBuildTests : ServerTests
{
    [Fact]
    public void Leader_follower_and_failover_meet_no_undefined_behaviour()
    {
        using Variant variant = Variant.Checked();
        RedisUnderMvedsua server = Start(products: variant.Products, redis: ["--save", "", "--appendonly", "yes"]);
        int[] leaders = new int[3];
        using var load = new CheckedLoad(server, 10);
        for (int generation = 0; generation < leaders.Length; generation++)
        {
            leaders[generation] = server.LeaderPid;
            Assert.Contains(variant.Library, File.ReadAllText($"/proc/{leaders[generation]}/maps"));
            load.More(1000);
            Commands(server);
            server.InStepUnderLoad();
            Host.Kill(leaders[generation], Host.SIGKILL);
            server.PromotedFrom(leaders[generation]);
            load.More(1000);
            server.Follow();
        }
        load.Finish();
        Commands(server);
        server.InStep();
        string[] deaths = [.. server.History.Split("; ").Where(line => line.Contains("is gone"))];
        Assert.Equal(leaders.Select(pid => $"leader {pid} is gone (SIGKILL)"), deaths.Select(line => line[..line.IndexOf(',')]));
        Assert.DoesNotContain("SIGILL", server.History);
    }

    /// <summary>What goes through many parts of the shim: helper threads, forks, files, timers, signals, large payloads.</summary>
    private static void Commands(RedisUnderMvedsua server)
    {
        using RespClient client = server.Connect();
        client.Ok("SET", "large", new string('x', 300_000));
        Assert.Equal(RespClient.Bulk(new string('x', 300_000)), client.Call("GET", "large"));
        client.Ok("SET", "short", "v", "PX", "50");
        client.Ok("EVAL", "return redis.call('set', 'scripted', ARGV[1])", "0", "7");
        client.Ok("BGREWRITEAOF");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the rewrite ends");
        client.Ok("BGSAVE");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the save ends");
        client.Ok("UNLINK", "large");
    }
}
