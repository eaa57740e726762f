namespace Mvedsua.Redis.Tests;

/// <summary>Tests with the trait Length=long: make test-long runs them, and no others.</summary>
internal static class LongTests
{
    internal static void OnlyThen(string why) => Assert.SkipUnless(Environment.GetEnvironmentVariable("MVEDSUA_LONG") == "1", $"{why}; make test-long runs it");
}
