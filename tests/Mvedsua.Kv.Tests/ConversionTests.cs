using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>The C functions that the update to 2.0 needs, by themselves: on a table of 1.0 with thousands of keys.</summary>
public sealed class ConversionTests
{
    [Fact]
    public void Every_key_is_found_and_can_be_removed_after_the_conversion() =>
        Assert.Equal((0, "0 of 5000 keys are not found as they were\n"), Run("right"));

    [Fact]
    public void A_table_that_the_conversion_forgot_has_lost_keys()
    {
        (int status, string output) = Run("forgets");
        Assert.Equal(1, status);
        Assert.InRange(int.Parse(output.Split(' ')[0]), 500, 3000);
    }

    private static (int, string) Run(string way)
    {
        Host.Result result = Host.Run(Host.Root, KvPrograms.Sanitized("conversions"), way);
        Assert.Equal("", result.Errors);
        return (result.Status, result.Output);
    }
}
