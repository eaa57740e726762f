using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Tests;

/// <summary>What a person sees on a terminal of 80 columns, and what a pipe gets.</summary>
public sealed class TerminalTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Theory]
    [InlineData("doctor")]
    [InlineData("inspect redis-server")]
    [InlineData("inspect /bin/bash")]
    [InlineData("status")]
    [InlineData("status cache")]
    public void Tables_fit_80_columns(string verb)
    {
        var status = new SessionStatus(
            "cache", Stage.OutdatedLeader, ["/usr/bin/redis-server", "--port", "6379"], DateTimeOffset.UnixEpoch,
            new ProcessStatus(4194303, 4194303, 128), [new FollowerStatus(4194302, 4194303, 128, "replaying", new LagStatus(123456789, 5L << 30))],
            new SiteStatus(573, 0, 0), new LogStatus(1 << 20, 6L << 30), []);
        using var session = new ServedSession(_mvedsua, "cache", _ => [new ControlReply(true, Status: status)]);
        var lines = OnTerminal(80, verb);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        // Wrapped cells continue below their column: under an empty first one.
        if (verb is not "doctor") Assert.DoesNotContain(lines, line => line.StartsWith("  ", StringComparison.Ordinal) && line.TrimStart().Length > 0 && !char.IsDigit(line.TrimStart()[0]));
    }

    [Fact]
    public void A_pipe_gets_no_escape_sequences_no_padding_and_no_wrapping()
    {
        var result = _mvedsua.Run("inspect", "redis-server");
        Assert.DoesNotContain('\u001b', result.Output);
        Assert.DoesNotContain(" \n", result.Output, StringComparison.Ordinal);
        Assert.Contains("/lib/x86_64-linux-gnu/libc.so.6", result.Output, StringComparison.Ordinal);
    }

    // script(1) gives the command a terminal; its escape sequences are removed here.
    private string[] OnTerminal(int columns, string arguments)
    {
        var command = $"stty cols {columns} rows 50; exec {MvedsuaRunner.Program} {arguments}";
        var output = _mvedsua.Run("script", ["-qec", command, "/dev/null"]).Output;
        var plain = System.Text.RegularExpressions.Regex.Replace(output, "\u001b\\[[0-9;?]*[a-zA-Z]", "");
        return plain.Replace("\r", "", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
    }
}
