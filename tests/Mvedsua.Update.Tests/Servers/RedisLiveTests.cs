using Mvedsua.Tests;

namespace Mvedsua.Update.Tests.Servers;

/// <summary>A running Redis goes on in another version's code, with the connections and the data that it has.</summary>
public sealed class RedisLiveTests
{
    [Theory]
    [InlineData("7.0.15 u7-u10", "7.0.15-u7-u10")]
    [InlineData("8.0.2-8.0.6", "8.0.2-8.0.6")]
    public void Redis_keeps_what_clients_have_begun_and_stored_across_updates_there_and_back(string pair, string folder)
    {
        var (old, @new) = RedisVersions.Build(pair);
        var description = Path.Combine(DebianServer.Rules("redis"), folder, "update.description");
        using var redis = new LiveRedis(old);
        redis.Try(() =>
        {
            using var state = new RedisState(redis.Connect);
            List<string> builds = [state.Info("redis_build_id")];
            foreach (var version in (string[])[@new, old, @new])
            {
                state.Begin();
                redis.Update(version, description);
                state.Finish();
                builds.Add(state.Info("redis_build_id"));
            }
            Assert.NotEqual(builds[0], builds[1]);
            Assert.Equal([builds[0], builds[1], builds[0], builds[1]], builds);
        });
    }

    [Fact]
    public void What_only_the_new_version_writes_into_its_append_only_file_is_there_after_the_update()
    {
        var (old, @new) = RedisVersions.Build("8.0.2-8.0.6");
        using var redis = new LiveRedis(old, "--appendonly", "yes", "--appendfsync", "always");
        redis.Try(() =>
        {
            redis.Update(@new, Path.Combine(DebianServer.Rules("redis"), "8.0.2-8.0.6", "update.description"));
            using var client = redis.Connect();
            client.Expect("$3\r\n2.5\r\n", "HINCRBYFLOAT", "hash", "field", "2.5");
            var written = string.Concat(Directory.GetFiles(Path.Combine(redis.Folder, "appendonlydir"), "*.incr.aof").Select(File.ReadAllText));
            Assert.Contains("$6\r\nHSETEX\r\n$4\r\nhash\r\n$7\r\nKEEPTTL\r\n$6\r\nFIELDS\r\n", written, StringComparison.Ordinal);
        });
    }
}
