using System.Net;
using System.Net.Sockets;
using Mvedsua.OpenLoad;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Bench.Tests.OpenLoad;

/// <summary>The program as it is called.</summary>
public sealed class LoadProgramTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_wrong_answer_makes_the_exit_status_one()
    {
        using var server = new StallingServer(0, c => c.Send("garbage\r\n"u8));
        var (status, output, _) = Run("http", $"{server.Port}", "--rate", "200", "--seconds", "0.5", "--warm-up", "0", "--connections", "1");
        Assert.Equal((int)ExitStatus.Failed, status);
        Assert.Contains("wrong answers: 1;", output, StringComparison.Ordinal);
        Assert.Contains("and was by 'garbage\\r\\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_on_which_nobody_listens_is_told()
    {
        // Bound, so that nobody else gets it; connections to it are refused.
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)bound.LocalEndPoint!).Port;
        var (status, output, errors) = Run("resp", $"{port}", "--rate", "100", "--seconds", "1");
        Assert.Equal((int)ExitStatus.Unreachable, status);
        Assert.Empty(output);
        Assert.StartsWith($"mvedsua-load: connection 1 of 50 to 127.0.0.1:{port} can't be opened: ", errors, StringComparison.Ordinal);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>0.2 µs a request is less than one system call takes.</summary>
    [Fact]
    public void A_rate_that_the_generator_can_not_keep_is_told()
    {
        using var server = new StallingServer(0, _ => { });
        var (status, output, _) = Run("http", $"{server.Port}", "--rate", "5000000", "--seconds", "0.2", "--warm-up", "0.1", "--connections", "4", "--timeout", "60");
        Assert.Equal((int)ExitStatus.TooSlow, status);
        Assert.Contains("the generator could not keep the rate", output, StringComparison.Ordinal);
        Assert.DoesNotContain("late by more than 1 ms: 0 ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_histogram_is_written_and_JSON_printed()
    {
        using var server = new StallingServer(0, _ => { });
        var file = Path.GetTempFileName();
        try
        {
            var (status, output, _) = Run("http", $"{server.Port}", "--rate", "500", "--seconds", "0.2", "--warm-up", "0", "--timeout", "60", "--poisson", "--seed", "5", "--json", "--histogram", file);
            var outcome = Outcome.FromJson(output);
            Assert.Equal((int)outcome.Status, status);
            Assert.Equal(5, outcome.Options.PoissonSeed);
            Assert.Contains($"Total count    = {outcome.Answered,12}", File.ReadAllText(file), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("--rate must be from", "resp", "1", "--rate", "0", "--seconds", "1")]
    [InlineData("--rate must be from", "resp", "1", "--rate", "NaN", "--seconds", "1")]
    [InlineData("PORT must be from 1 to 65535", "resp", "70000", "--rate", "1", "--seconds", "1")]
    [InlineData("--connections must be from 1 to 1000", "resp", "1", "--rate", "1", "--seconds", "1", "--connections", "0")]
    [InlineData("'gopher'", "gopher", "1", "--rate", "1", "--seconds", "1")]
    [InlineData("'much'", "resp", "1", "--rate", "much", "--seconds", "1")]
    [InlineData("'--seconds' is required", "resp", "1", "--rate", "1")]
    [InlineData("--seed needs --poisson", "resp", "1", "--rate", "1", "--seconds", "1", "--seed", "4")]
    public void A_command_line_that_can_not_be_understood_is_refused(string told, params string[] arguments)
    {
        var (status, _, errors) = Run(arguments);
        Assert.Equal((int)ExitStatus.Usage, status);
        Assert.Contains(told, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_histogram_that_can_not_be_written_is_told_before_the_load()
    {
        var (status, _, errors) = Run("resp", "1", "--rate", "1", "--seconds", "1", "--histogram", "/nowhere/file");
        Assert.Equal((int)ExitStatus.OutputFailed, status);
        Assert.Contains("/nowhere/file", errors, StringComparison.Ordinal);
    }

    private static (int Status, string Output, string Errors) Run(params string[] arguments) =>
        Programs.RunToEnd(Path.Combine(AppContext.BaseDirectory, "mvedsua-load"), arguments, _patience);
}
