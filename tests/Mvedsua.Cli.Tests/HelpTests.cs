namespace Mvedsua.Cli.Tests;

public sealed class HelpTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Theory]
    [InlineData("run")]
    [InlineData("status")]
    [InlineData("follow")]
    [InlineData("unfollow")]
    [InlineData("trace")]
    [InlineData("report")]
    [InlineData("update")]
    [InlineData("promote")]
    [InlineData("commit")]
    [InlineData("rollback")]
    [InlineData("doctor")]
    [InlineData("inspect")]
    [InlineData("rules")]
    [InlineData("rules check")]
    [InlineData("rules explain")]
    [InlineData("rules infer")]
    [InlineData("rules test")]
    [InlineData("completion")]
    [InlineData("attach")]
    public void Every_verbs_help_has_an_example_of_that_verb(string verb)
    {
        var help = _mvedsua.Run([.. verb.Split(' '), "--help"]);
        Assert.Equal(0, help.Status);
        var examples = help.Output[help.Output.IndexOf("Examples:", StringComparison.Ordinal)..];
        Assert.Contains($"mvedsua {verb}", examples, StringComparison.Ordinal);
        Assert.Empty(help.Errors);
    }

    [Fact]
    public void The_examples_parse()
    {
        var lines = new[] { "run", "status", "follow", "unfollow", "trace", "report", "update", "promote", "commit", "rollback", "doctor", "inspect", "rules", "rules check", "rules explain", "rules test", "rules infer" }
            .SelectMany(verb => _mvedsua.Run([.. verb.Split(' '), "--help"]).Output.Split("Examples:")[1].Split('\n'))
            .Select(line => line.Trim()).Where(line => line.StartsWith("mvedsua ", StringComparison.Ordinal)).ToList();
        Assert.True(lines.Count >= 8);
        foreach (var line in lines)
        {
            // The parser's own diagram of a command line marks what it doesn't understand with '!'.
            var words = line.Split(" | ")[0].Split(' ')[1..];
            var diagram = _mvedsua.Run(["[diagram]", .. words]);
            Assert.True(diagram.Status == 0 && !diagram.Output.Contains('!'), $"{line}: {diagram.Output}{diagram.Errors}");
        }
    }

    [Fact]
    public void The_usage_of_run_puts_the_server_last() =>
        Assert.Contains("mvedsua run [options] -- COMMAND...", _mvedsua.Run("run", "--help").Output, StringComparison.Ordinal);

    [Fact]
    public void The_usage_of_doctor_is_one_that_can_be_typed()
    {
        var help = _mvedsua.Run("doctor", "--help").Output;
        Assert.Contains("mvedsua doctor [options] [COMMAND...]", help, StringComparison.Ordinal);
        Assert.DoesNotContain("Additional Arguments", help, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_printed() => Assert.Matches(@"^\d+\.\d+\.\d+\n$", _mvedsua.Run("--version").Output);
}
