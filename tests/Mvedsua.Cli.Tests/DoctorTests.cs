using System.Text.Json;

namespace Mvedsua.Cli.Tests;

public sealed class DoctorTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Fact]
    public void Its_JSON_agrees_with_its_exit_status()
    {
        var result = _mvedsua.Run("doctor", "--json");
        var missing = Checks(result).Where(c => c.Value == "missing");
        Assert.Equal(missing.Any() ? 1 : 0, result.Status);
    }

    [Theory]
    [InlineData("no-memfd", "memfd")]
    [InlineData("seccomp", "seccomp")]
    [InlineData("mdwe", "write-then-execute")]
    [InlineData("nofile", "descriptors")]
    [InlineData("no-waitv", "futex-waitv")]
    public void What_a_cage_withholds_is_found(string cage, string check)
    {
        var program = _mvedsua.Compile("cage", Cage.Source);
        var probe = _mvedsua.Run(program, [cage, "true"]);
        Assert.SkipWhen(probe.Status == 99, $"this kernel can't set up the cage: {probe.Errors.Trim()}");
        var free = Checks(_mvedsua.Run("doctor", "--json"));
        var caged = _mvedsua.Run(program, [cage, MvedsuaRunner.Program, "doctor", "--json"]);
        Assert.Equal("missing", Checks(caged)[check]);
        Assert.Equal(1, caged.Status);
        if (cage != "seccomp") Assert.NotEqual("missing", free[check]);
    }

    [Fact]
    public void Every_problem_comes_with_a_cure()
    {
        var program = _mvedsua.Compile("cage", Cage.Source);
        using var json = JsonDocument.Parse(_mvedsua.Run(program, ["no-memfd", MvedsuaRunner.Program, "doctor", "--json"]).Output);
        var problems = json.RootElement.GetProperty("checks").EnumerateArray().Where(c => c.GetProperty("outcome").GetString() != "ok").ToList();
        Assert.NotEmpty(problems);
        Assert.All(problems, p => Assert.NotEmpty(p.GetProperty("cure").GetString()!));
    }

    [Fact]
    public void A_command_is_checked_and_not_run()
    {
        var trace = Path.Combine(_mvedsua.Folder, "was-run");
        var program = _mvedsua.Compile("server", $"#include <fcntl.h>\nint main(void) {{ return open(\"{trace}\", O_CREAT, 0600) < 0; }}", "-static");
        using var json = JsonDocument.Parse(_mvedsua.Run("doctor", "--json", program, "--port", "1").Output);
        var refusal = Assert.Single(json.RootElement.GetProperty("refusals").EnumerateArray());
        Assert.Equal("static-program", refusal.GetProperty("kind").GetString());
        Assert.False(File.Exists(trace));
    }

    private static Dictionary<string, string> Checks(MvedsuaRunner.Result result)
    {
        using var json = JsonDocument.Parse(result.Output);
        return json.RootElement.GetProperty("checks").EnumerateArray()
            .ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("outcome").GetString()!);
    }
}
