namespace Mvedsua.Cli.Tests;

/// <summary>What is started with run behaves, seen from the shell, as it does without.</summary>
public sealed class RunTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("exit 255", 255)]
    [InlineData("kill -TERM $$", 128 + 15)]
    [InlineData("kill -KILL $$", 128 + 9)]
    public void It_exits_with_the_servers_status(string script, int status) =>
        Assert.Equal(status, _mvedsua.Run("run", "--", "/bin/sh", "-c", script).Status);

    [Fact]
    public void Arguments_arrive_as_they_are()
    {
        string[] arguments = ["--name", "--", "@file", "", "a b", "-x", "[suggest]", "ä\n", "--help"];
        var result = _mvedsua.Run(["run", "--", "/usr/bin/printf", "%s|", .. arguments]);
        Assert.Equal(string.Concat(arguments.Select(a => a + "|")), result.Output);
    }

    [Fact]
    public void Standard_input_and_output_are_the_servers()
    {
        using var process = _mvedsua.Start(MvedsuaRunner.Program, "run", "--", "/bin/cat");
        process.StandardInput.Write("one\ntwo\n");
        process.StandardInput.Close();
        Assert.Equal("one\ntwo\n", process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public void Argument_zero_and_the_environment_are_what_they_would_be()
    {
        _mvedsua.Environment["MVEDSUA_TEST"] = "x y";
        var result = _mvedsua.Run("run", "--", "sh", "-c", "echo $0 $MVEDSUA_TEST $(tr '\\0' ' ' </proc/$$/cmdline | cut -d' ' -f1)");
        Assert.Equal("sh x y sh\n", result.Output);
    }

    [Fact]
    public void A_session_is_named_after_its_program_and_goes_with_it()
    {
        var result = _mvedsua.Run("run", "--", "/bin/bash", "-c", $"{MvedsuaRunner.Program} status --json");
        Assert.Equal(0, result.Status);
        using var json = System.Text.Json.JsonDocument.Parse(result.Output);
        Assert.Equal("bash", Assert.Single(json.RootElement.EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal("No sessions; start one with 'mvedsua run'.\n", _mvedsua.Run("status").Output);
    }

    [Fact]
    public void A_signal_to_run_reaches_the_server()
    {
        using var process = _mvedsua.Start(MvedsuaRunner.Program, "run", "--", "/bin/sh", "-c", "trap 'echo caught; exit 3' TERM; echo ready; while :; do wait; read x <&0; done");
        Assert.Equal("ready", process.StandardOutput.ReadLine());
        _mvedsua.Run("kill", ["-TERM", $"{process.Id}"]);
        Assert.Equal("caught", process.StandardOutput.ReadLine());
        process.WaitForExit();
        Assert.Equal(3, process.ExitCode);
    }

    [Theory]
    [InlineData("/no/such/file", "file-missing")]
    [InlineData("/etc", "not-a-file")]
    [InlineData("/etc/passwd", "not-executable")]
    public void The_reason_of_a_refusal_is_named(string program, string reason) =>
        Assert.Contains($"({reason})", _mvedsua.Run("run", "--", program).Errors, StringComparison.Ordinal);

    [Fact]
    public void Sessions_without_a_name_that_begin_at_once_each_get_one()
    {
        var gate = Path.Combine(_mvedsua.Folder, "gate");
        Assert.Equal(0, _mvedsua.Run("mkfifo", [gate]).Status);
        using var all = _mvedsua.Start("bash", "-c",
            $"for i in 1 2 3 4 5 6; do {MvedsuaRunner.Program} run -- /bin/sh -c 'echo begun; read go < {gate}' & pids=\"$pids $!\"; done; for p in $pids; do wait $p || echo failed; done");
        for (var i = 0; i < 6; i++) Assert.Equal("begun", all.StandardOutput.ReadLine());
        var names = _mvedsua.Run("status").Output.TrimEnd().Split('\n')[1..].Select(line => line.Split(' ')[0]);
        Assert.Equal(["sh", "sh-2", "sh-3", "sh-4", "sh-5", "sh-6"], names.Order(StringComparer.Ordinal));
        using (var opened = new StreamWriter(gate)) opened.Write("\n\n\n\n\n\n");
        Assert.Empty(all.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void Its_status_is_the_servers_though_the_sessions_directory_has_gone()
    {
        var result = _mvedsua.Run("run", "--name", "bare", "--", "/bin/sh", "-c", $"rm -r {_mvedsua.SessionFolder("bare")}; exit 7");
        Assert.Equal(7, result.Status);
        Assert.DoesNotContain("xception", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_puts_itself_into_the_background_is_told_of()
    {
        /* The shell ends once its child is what it will be: until then that has the shell's name. */
        var result = _mvedsua.Run("run", "--", "/bin/sh", "-c",
            "sleep 30 > /dev/null 2>&1 < /dev/null & until read name < /proc/$!/comm && [ $name = sleep ]; do :; done; echo $!");
        Assert.Equal(0, result.Status);
        var pid = result.Output.Trim();
        Assert.Contains($"left running: {pid} (sleep)", result.Errors, StringComparison.Ordinal);
        Assert.Contains("stay in the foreground", result.Errors, StringComparison.Ordinal);
        _mvedsua.Run("kill", [pid]);
    }
}
