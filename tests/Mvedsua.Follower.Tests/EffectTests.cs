namespace Mvedsua.Follower.Tests;

public sealed class EffectTests : ServerTests
{
    [Fact]
    public void A_follower_has_no_effect_outside_itself()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        using var strace = new CallsSeen(server, follower);
        string[] before = Descriptors(leader);
        using (var load = new CheckedLoad(server, 5))
        {
            load.More(500);
            load.Finish();
        }
        client.Ok("CONFIG", "SET", "appendonly", "yes"); /* begins with a rewrite, beside which no save is allowed */
        Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the first rewrite ends");
        client.Ok("CONFIG", "SET", "appendfsync", "always");
        for (int i = 0; i < 50; i++) client.Ok("INCR", "n");
        client.Ok("BGSAVE");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("rdb_bgsave_in_progress:0"), "the save ends");
        client.Ok("BGREWRITEAOF");
        Host.Until(() => client.Ok("INFO", "persistence").Contains("aof_rewrite_in_progress:0"), "the rewrite ends");
        client.Ok("CONFIG", "SET", "appendonly", "no");
        server.InStep();
        Host.Until(() => Descriptors(leader).Length <= before.Length, "closed connections are gone");
        Assert.Equal(before, Descriptors(leader));
        Assert.Equal(before.Length, Descriptors(follower).Length); /* one table */
        strace.AreItsOwn();
    }

    private static string[] Descriptors(int pid) =>
        [.. Directory.EnumerateFiles($"/proc/{pid}/fd").Select(fd => $"{Path.GetFileName(fd)} {new FileInfo(fd).LinkTarget}").Order()];
}
