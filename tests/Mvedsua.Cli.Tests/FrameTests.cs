using System.Text.RegularExpressions;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Tests;

/// <summary>What the repository promises about itself.</summary>
public sealed partial class FrameTests : IDisposable
{
    private readonly MvedsuaRunner _shell = new();

    public void Dispose() => _shell.Dispose();

    [Fact]
    public void The_documented_exit_statuses_are_those_of_the_code()
    {
        var documented = StatusRow().Matches(File.ReadAllText(Path.Combine(MvedsuaRunner.Root, "docs", "exit-statuses.md")))
            .Select(m => (int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), m.Groups[2].Value));
        Assert.Equal(Enum.GetValues<ExitStatus>().Select(s => ((int)s, s.ToString())).Order(), documented.Order());
    }

    [Fact]
    public void Every_documented_refusal_is_one_and_every_refusal_is_documented()
    {
        var documented = RefusalRow().Matches(File.ReadAllText(Path.Combine(MvedsuaRunner.Root, "docs", "exit-statuses.md"))).Select(m => m.Groups[1].Value);
        Assert.Equal(Enum.GetValues<Mvedsua.Coordinator.Launch.RefusalKind>().Select(Mvedsua.Coordinator.Launch.LaunchRefusal.NameOf).Order(StringComparer.Ordinal),
            documented.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("ok a\nok b\nskip c: why\n", 0, "  total: 3\n  failed: 0\n  succeeded: 2\n  skipped: 1\n", 0, "4 passed, 0 failed, 2 skipped", 0)]
    [InlineData("ok a\nnot ok b\n", 1, "  failed: 2\n  succeeded: 1\n  skipped: 0\n", 2, "2 passed, 3 failed, 0 skipped", 1)]
    [InlineData("ok a\n", 2, "  failed: 0\n  succeeded: 1\n  skipped: 0\n", 0, "2 passed, 1 failed, 0 skipped", 1)] // a native suite crashed
    [InlineData("ok a\n", 0, "error CS0001: no\n", 1, "1 passed, 1 failed, 0 skipped", 1)] // did not compile
    [InlineData("", 0, "  failed: 0\n  succeeded: 1\n  skipped: 0\n", 0, "1 passed, 1 failed, 0 skipped", 1)] // nothing ran
    [InlineData("ok a\n", 0, "  failed: 0\n  succeeded: 1\n  skipped: 0\n", 7, "2 passed, 1 failed, 0 skipped", 1)] // a module crashed
    public void The_summary_counts_both_kinds_and_lets_nothing_pass_by_silence(
        string native, int nativeStatus, string dotnet, int dotnetStatus, string line, int status)
    {
        var nativeLog = Path.Combine(_shell.Folder, "native.log");
        var dotnetLog = Path.Combine(_shell.Folder, "dotnet.log");
        File.WriteAllText(nativeLog, native);
        File.WriteAllText(dotnetLog, dotnet);
        var result = _shell.Run("sh", [Path.Combine(MvedsuaRunner.Root, "tests", "summary.sh"), nativeLog, $"{nativeStatus}", dotnetLog, $"{dotnetStatus}"]);
        Assert.Equal((status, line + "\n"), (result.Status, result.Output));
    }

    [Fact]
    public void Set_up_that_has_nothing_to_do_says_nothing()
    {
        var result = _shell.Run("sh", [Path.Combine(MvedsuaRunner.Root, ".ci", "setup.sh")]);
        Assert.Equal((0, ""), (result.Status, result.Output));
    }

    [Fact]
    public void Set_up_refuses_what_is_not_Debian_in_one_sentence()
    {
        // A PATH with the tools that the script starts with and neither apt-get nor dpkg-query.
        var tools = Directory.CreateDirectory(Path.Combine(_shell.Folder, "bin")).FullName;
        foreach (var tool in (string[])["uname", "sh", "id"]) File.CreateSymbolicLink(Path.Combine(tools, tool), "/usr/bin/" + tool);
        _shell.Environment["PATH"] = tools;
        var result = _shell.Run("/bin/sh", [Path.Combine(MvedsuaRunner.Root, ".ci", "setup.sh")]);
        Assert.Equal(1, result.Status);
        Assert.Contains("not Debian", Assert.Single(result.Errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex StatusRow();

    [GeneratedRegex(@"^\| `([a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex RefusalRow();
}
