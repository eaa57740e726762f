using System.Globalization;

namespace Mvedsua.Follower.Tests;

/// <summary>Debian's redis-server as an operator starts it: by the package's own configuration, in the foreground (docs/redis.md).</summary>
public sealed class DebianRedisTests : ServerTests
{
    private const string Configuration = "/etc/redis/redis.conf";

    /// <summary>What names a place or a port of the machine's own is the test's.</summary>
    private static string[] Command(params string[] words) =>
        ["redis-server", Configuration, .. words, "--port", "{port}", "--dir", "{folder}", "--logfile", "\"\"", "--pidfile", "{folder}/redis.pid"];

    [Fact]
    public void With_the_packages_configuration_in_the_foreground_it_is_followed_and_a_dead_leader_succeeded()
    {
        SkipWithoutConfiguration();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Followed, server: Command("--daemonize", "no", "--supervised", "no"));
        server.Answers();
        using RespClient client = server.Connect();
        for (int generation = 0; generation < 2; generation++)
        {
            client.Expect($":{generation + 1}\r\n", "INCR", "generation");
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            client.Expect(RespClient.Bulk($"{generation + 1}"), "GET", "generation");
            server.PromotedFrom(leader);
            server.Follow();
        }
    }

    /// <summary>As the configuration says it without these words.</summary>
    [Fact]
    public void With_the_packages_configuration_alone_it_goes_into_the_background_and_the_operator_is_told_what_to_say()
    {
        SkipWithoutConfiguration();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: Command());
        Host.Until(() => server.Log.Contains("must be told to stay in the foreground", StringComparison.Ordinal), "the operator is told");
        Assert.Contains("--daemonize no", server.Log);
        Host.Kill(int.Parse(File.ReadAllText(Path.Combine(server.Folder, "redis.pid")), CultureInfo.InvariantCulture), Host.SIGKILL);
    }

    private static void SkipWithoutConfiguration()
    {
        try
        {
            using FileStream readable = File.OpenRead(Configuration);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Assert.Skip($"{Configuration} can't be read: {e.Message}");
        }
    }
}
