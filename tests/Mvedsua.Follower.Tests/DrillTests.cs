using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>The short form of the kill drill (make drill).</summary>
public sealed class DrillTests
{
    [Fact]
    public void Half_a_minute_of_kills_is_noticed_by_nobody() =>
        Drilled("--server", "redis", "--kills", "0", "--seconds", "15", "--length", "8");

    [Theory]
    [InlineData("/usr/bin/beanstalkd")]
    [InlineData("/usr/sbin/lighttpd")]
    [InlineData("/usr/sbin/nginx")]
    public void A_session_of_kills_of_another_server_is_noticed_by_nobody(string program)
    {
        Assert.SkipUnless(File.Exists(program), $"{program} is not installed");
        Drilled("--server", Path.GetFileName(program), "--session", "0", "--length", "6");
    }

    [Fact]
    public void A_session_of_kills_of_the_sample_server_is_noticed_by_nobody() => Drilled("--server", "kv", "--session", "0", "--length", "6");

    private static void Drilled(params string[] arguments)
    {
        string program = Path.Combine(Host.Root, "out/dotnet/bin/Mvedsua.Drill/release/Mvedsua.Drill");
        using Process drill = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = drill.StandardOutput.ReadToEnd();
        drill.WaitForExit();
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        Assert.True(drill.ExitCode == 0, output);
        Assert.Contains("drill: clean: ", output);
    }
}
