using Mvedsua.Follower.Tests;
using Mvedsua.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>What make redis-demo shows; with few keys, each stage looked at for a second only.</summary>
public sealed class RedisDemoTests
{
    [Fact]
    public void The_demo_says_that_no_client_noticed_and_that_all_keys_are_as_in_the_twin()
    {
        _ = RedisVersions.Build("7.0.15 u7-u10");
        _ = DebianServer.BuildPatched("redis", "7.0.15-1~deb12u10", "crash");
        string folder = Directory.CreateTempSubdirectory("mvedsua-demo-test.").FullName;
        try
        {
            Host.Result demo = Host.Run(folder, "env", "DEMO_SECONDS=1", "DEMO_KEYS=2000", "sh", Path.Combine(Host.Root, "tests/demo/redis-update.sh"), Host.Products);
            Assert.True(demo.Status == 0, demo.Output + demo.Errors);
            Assert.Matches("\nNo client noticed: [0-9]+ answers, all of them right; .* as in the twin.\n$", demo.Output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
