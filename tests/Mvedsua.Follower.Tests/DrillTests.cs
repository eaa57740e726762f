using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>The short form of the kill drill (make drill).</summary>
public sealed class DrillTests
{
    [Fact]
    public void Half_a_minute_of_kills_is_noticed_by_nobody()
    {
        string program = Path.Combine(Host.Root, "out/dotnet/bin/Mvedsua.Drill/release/Mvedsua.Drill");
        using Process drill = Process.Start(new ProcessStartInfo(program, ["--kills", "0", "--seconds", "15", "--length", "8"]) { RedirectStandardOutput = true })!;
        string output = drill.StandardOutput.ReadToEnd();
        drill.WaitForExit();
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        Assert.True(drill.ExitCode == 0, output);
        Assert.Contains("drill: clean: ", output);
    }
}
