namespace Mvedsua.Cli.Tests;

/// <summary>Standard streams that are closed, or that nothing can be written to.</summary>
public sealed class OutputTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    /// <summary>A script in which $M is the command.</summary>
    private MvedsuaRunner.Result Shell(string script)
    {
        _mvedsua.Environment["M"] = MvedsuaRunner.Program;
        return _mvedsua.Run("bash", ["-c", script]);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("status --json")]
    [InlineData("doctor")]
    [InlineData("inspect /bin/true")]
    [InlineData("completion bash")]
    [InlineData("--help")]
    [InlineData("run --help")]
    public void A_full_disk_behind_standard_output_is_said_in_one_line(string verb)
    {
        var result = Shell($"$M {verb} > /dev/full");
        Assert.Equal((73, "mvedsua: the output can't be written: No space left on device.\n"), (result.Status, result.Errors));
    }

    [Fact]
    public void A_closed_standard_output_is_said_in_one_line() =>
        Assert.Equal("mvedsua: the output can't be written: Bad file descriptor.\n", Shell("$M status >&-").Errors);

    [Theory]
    [InlineData("/no/such/server", 64)]
    [InlineData("/bin/sh -c 'exit 3'", 3)]
    public void A_closed_standard_error_changes_no_status(string server, int status) =>
        Assert.Equal(status, Shell($"$M run -- {server} 2>&-").Status);

    [Theory]
    [InlineData("0<&-")]
    [InlineData(">&-")]
    [InlineData("2>&-")]
    [InlineData("0<&- >&- 2>&-")]
    public void A_stream_that_is_closed_for_run_is_closed_for_the_server(string closing)
    {
        var list = Path.Combine(_mvedsua.Folder, "streams");
        var look = "open=; for i in 0 1 2; do if [ -e /proc/$$/fd/$i ]; then open=$open$i; fi; done; echo open: $open > " + list;
        Shell($"/bin/sh -c '{look}' {closing}");
        var natively = File.ReadAllText(list);
        Assert.NotEqual("open: 012\n", natively);
        Shell($"$M run -- /bin/sh -c '{look}' {closing}");
        Assert.Equal(natively, File.ReadAllText(list));
    }
}
