namespace Mvedsua.Cli.Tests;

/// <summary>A command line that can't be understood: status 2, what is wrong, where to read on; nothing on standard output.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Theory]
    [InlineData("'--naem'", "run", "--naem", "x", "--", "true")]
    [InlineData("COMMAND", "run", "--name", "x")]
    [InlineData("'12parsecs' is not a size", "run", "--log-limit", "12parsecs", "--", "true")]
    [InlineData("'soon' is neither a size", "run", "--lag-limit", "soon", "--", "true")]
    [InlineData("'x'", "run", "--followers", "x", "--", "true")]
    [InlineData("'x'", "promote", "cache", "x")]
    [InlineData("'soon' is not a time", "promote", "cache", "--wait", "soon")]
    [InlineData("--wait takes a time of at most 24 h", "promote", "cache", "--wait", "2000min")]
    [InlineData("'x'", "unfollow", "cache", "x")]
    [InlineData("'x'", "update", "cache", "--to", "y", "--retry", "x")]
    [InlineData("NAME", "status", "--watch")]
    [InlineData("FILE", "rules", "check")]
    [InlineData("mvedsua rules explain --help", "rules", "explain")]
    [InlineData("follow", "follow")]
    [InlineData("'fish'", "completion", "fish")]
    [InlineData("'frobnicate'", "frobnicate")]
    [InlineData("Required command was not provided")]
    public void It_says_what_is_wrong(string named, params string[] arguments)
    {
        var result = _mvedsua.Run(arguments);
        Assert.Equal(2, result.Status);
        Assert.Empty(result.Output);
        Assert.Contains(named, result.Errors, StringComparison.Ordinal);
        Assert.Contains("--help'", result.Errors, StringComparison.Ordinal);
        Assert.All(result.Errors.TrimEnd().Split('\n'), line => Assert.EndsWith(".", line, StringComparison.Ordinal));
    }
}
