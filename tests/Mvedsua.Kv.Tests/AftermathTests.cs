using System.Globalization;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>What an update that came to nothing leaves of itself in the server.</summary>
public sealed class AftermathTests : UpdatedServers
{
    /// <summary>Taken back by the operator, also after the new version has led; or ended because it crashed.</summary>
    [Theory]
    [InlineData("rollback")]
    [InlineData("promote", "rollback")]
    [InlineData("crash")]
    public void The_old_version_has_the_descriptors_the_memory_and_the_data_that_it_had(params string[] verbs)
    {
        RedisUnderMvedsua server = Server("1.0");
        using var line = new KvLine(server.Port);
        for (int i = 0; i < 100; i++) Assert.Equal("OK", line.Ask($"PUT key:{i} value {i}"));
        int leader = server.LeaderPid;
        Warm(server, line); /* logs, keeper and all that a first follower makes */
        string[] descriptors = Descriptors(leader);
        long memory = Memory(leader);
        bool crashes = verbs[0] == "crash";
        string rules = Path.Combine(Host.Root, "rules/kv", crashes ? "1.0-2.0" : "1.0-1.1");
        Host.Result update = server.Mvedsua("update", RedisUnderMvedsua.Name, "--to", KvPrograms.Of(crashes ? "2.0-crash" : "1.1"),
            "--description", Path.Combine(rules, "update.description"), "--rules", rules);
        Assert.True(update.Status == 0, update.Output + update.Errors);
        if (crashes)
        {
            Assert.Equal("NONE", line.Ask("TTL nothing"));
            server.FollowerEnded();
        }
        foreach (string verb in crashes ? [] : verbs) Do(server, verb);
        Host.Until(() => server.FollowerPid == 0 && server.LeaderPid == leader, "the old version serves alone");
        Assert.Equal(descriptors, Descriptors(leader));
        Assert.Equal(memory, Memory(leader));
        for (int i = 0; i < 100; i++) Assert.Equal($"VALUE value {i}", line.Ask($"GET key:{i}"));
    }

    private static void Warm(RedisUnderMvedsua server, KvLine line)
    {
        server.Follow();
        server.InStep();
        Do(server, "unfollow");
        Assert.Equal("NONE", line.Ask("TTL nothing"));
        Assert.Equal("PONG", line.Ask("PING"));
    }

    private static string[] Descriptors(int pid) =>
        [.. new DirectoryInfo($"/proc/{pid}/fd").EnumerateFiles().Select(fd => $"{fd.Name} {fd.LinkTarget}").Order(StringComparer.Ordinal)];

    /// <summary>Bytes of its own variables and heap. (What stands there a server's timers change meanwhile.)</summary>
    private static long Memory(int pid) => File.ReadLines($"/proc/{pid}/maps")
        .Where(l => l.Contains(" rw-p ", StringComparison.Ordinal) && (l.EndsWith("/kv-1.0", StringComparison.Ordinal) || l.EndsWith("[heap]", StringComparison.Ordinal)))
        .Sum(l => l.Split(' ')[0].Split('-').Select(a => long.Parse(a, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).Aggregate((from, to) => to - from));
}
