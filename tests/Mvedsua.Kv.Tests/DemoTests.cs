using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>What make demo shows; each stage looked at for a second only.</summary>
public sealed class DemoTests
{
    [Fact]
    public void The_demo_of_updates_says_that_no_client_noticed()
    {
        foreach (string release in (string[])["1.0", "1.1", "2.0-crash", "2.0"]) _ = KvPrograms.Of(release);
        string folder = Directory.CreateTempSubdirectory("mvedsua-demo-test.").FullName;
        try
        {
            Host.Result demo = Host.Run(folder, "env", "DEMO_SECONDS=1", "sh", Path.Combine(Host.Root, "tests/demo/kv-update.sh"), Host.Products);
            Assert.True(demo.Status == 0, demo.Output + demo.Errors);
            Assert.Matches("\nNo client noticed: [0-9]+ answers, all of them right.\n$", demo.Output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
