using System.Diagnostics;

namespace Mvedsua.Calls.Tests;

public sealed class GeneratorTests : IDisposable
{
    private static readonly string Tables = Path.Combine(Repository.Root, "native", "shim", "calls", "table");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mvedsua-generator-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("0 read playback - zero", "unknown class playback")]
    [InlineData("0 read replayed shiny zero", "unknown flag shiny")]
    [InlineData("0 read replayed - sometimes", "unknown result sometimes")]
    [InlineData("0 read replayed - zero fd:file", "unknown kind file")]
    [InlineData("0 read replayed - zero buf:out(count)", "no argument count")]
    [InlineData("0 read replayed - zero buf:out[nothing]", "unknown structure nothing")]
    [InlineData("0 read replayed - zero buf:out[8]/never", "unknown outcome /never")]
    [InlineData("0 read replayed - zero fd:int fd:int", "two arguments fd")]
    [InlineData("0 read replayed - zero fd", "NAME:KIND expected, not fd")]
    [InlineData("0 read replayed - zero a:int b:int c:int d:int e:int f:int g:int", "more than six arguments")]
    [InlineData("1 write replayed - zero\n0 read replayed - zero", "ascending order")]
    public void A_wrong_row_is_refused_with_file_line_and_reason(string rows, string reason)
    {
        var (status, _, errors) = Generate("# a comment\n" + rows + "\n");
        Assert.NotEqual(0, status);
        Assert.Contains(reason, errors, StringComparison.Ordinal);
        Assert.Matches(@"calls\.tbl:[23]: ", errors);
    }

    [Fact]
    public void A_number_without_a_row_is_special()
    {
        var (status, output, errors) = Generate("1 write replayed - zero\n3 close replayed special zero\n");
        Assert.True(status == 0, errors);
        Assert.Contains("    1, 0, 1, 1,", output, StringComparison.Ordinal);
    }

    private (int Status, string Output, string Errors) Generate(string calls)
    {
        var path = Path.Combine(_folder.FullName, "calls.tbl");
        File.WriteAllText(path, calls);
        var start = new ProcessStartInfo("awk", ["-f", Path.Combine(Tables, "generate.awk"), path])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
