using System.Diagnostics;
using Mvedsua.Follower.Tests;
using Mvedsua.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>What stands in for a version that has left Debian's archive, by versions that are made up.</summary>
public sealed class DebianVersionsTests : IDisposable
{
    private const int Wrong = 64, Unavailable = 69;
    private const string Nowhere = "file:/nonexistent", Old = "7.0.15-1~deb12u7", New = "7.0.15-1~deb12u10";

    private readonly string _out = Directory.CreateTempSubdirectory("mvedsua-debian.").FullName;

    public void Dispose() => Directory.Delete(_out, recursive: true);

    [Theory]
    /* Alone: newer ones first, each kind by its distance. (u10 is newer than u9; the epoch does not matter.) */
    [InlineData("1-1u7", "", "1-1u6 1-1u9 1-1u10 1-1u2", "1-1u9 1-1u10 1-1u6 1-1u2")]
    [InlineData("1-1u7", "", "5:1-1u6 5:1-1u9", "5:1-1u9 5:1-1u6")]
    /* Of a pair: on the wanted one's side of the other one. */
    [InlineData("1-1u7", "1-1u10", "1-1u10 1-1u6 1-1u2", "1-1u6 1-1u2")]
    [InlineData("1-1u7", "1-1u10", "5:1-1u9 5:1-1u10 5:1-1u11 5:1-1u6", "5:1-1u9 5:1-1u6")]
    [InlineData("1-1u10", "1-1u7", "1-1u7 1-1u6 1-1u9 1-1u11", "1-1u11 1-1u9")]
    [InlineData("1-1u7", "1-1u10", "1-1u10 1-1u11 2-1", "")]
    [InlineData("1-1u7", "", "", "")]
    public void The_nearest_version_stands_in_and_of_a_pair_never_one_from_beyond_the_other(string wanted, string other, string archive, string standIns)
    {
        var start = new ProcessStartInfo("bash", ["-euc", ". tests/servers/debian-versions; tr ' ' '\\n' <<<\"$3\" | sed '/^$/d' | stand_ins \"$1\" \"$2\"", "-", wanted, other, archive])
        {
            RedirectStandardOutput = true, WorkingDirectory = Host.Root,
        };
        using var shell = Process.Start(start)!;
        Assert.Equal(standIns, string.Join(' ', shell.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    [Fact]
    public void What_stands_in_is_told_by_name_and_is_not_taken_where_it_is_the_other_one_of_the_pair()
    {
        Built(New);
        StandsIn(Old, New);
        var (status, output, errors) = Source(Old);
        Assert.Equal((0, $"{_out}/servers/redis/{Old}/redis-server\n"), (status, output));
        Assert.Equal($"debian-source: redis {Old} is no longer to be had, this is {New}", DebianServer.StandsIn(errors));
        (status, output, errors) = Source("--beside", New, Old);
        Assert.Equal((Unavailable, ""), (status, output));
        Assert.Contains($"{Nowhere} can't be reached", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_stands_in_on_the_right_side_is_taken_and_a_version_that_is_there_stands_in_for_nothing()
    {
        Built("7.0.15-1~deb12u5");
        StandsIn(Old, "7.0.15-1~deb12u5");
        var (status, _, errors) = Source("--beside", $"5:{New}", Old);
        Assert.Equal(0, status);
        Assert.NotNull(DebianServer.StandsIn(errors));
        Built(New);
        (status, _, errors) = Source("--beside", Old, New);
        Assert.Equal(0, status);
        Assert.Null(DebianServer.StandsIn(errors));
    }

    [Fact]
    public void A_version_beside_itself_is_refused() => Assert.Equal(Wrong, Source("--beside", New, New).Status);

    private (int Status, string Output, string Errors) Source(params string[] words) => DebianServer.Script(Nowhere, ["--out", _out, .. words[..^1], "redis", words[^1]]);

    /// <summary>As a build leaves it, but for the program; what it was made by is that of a build.</summary>
    private void Built(string version)
    {
        DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(_out, "servers", "redis", version));
        string program = Path.Combine(folder.FullName, "redis-server");
        File.WriteAllText(program, "");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.WriteAllText(Path.Combine(folder.FullName, "version"), version + "\n");
        File.Copy(Path.Combine(Path.GetDirectoryName(DebianServer.Build("redis", New))!, "recipe"), Path.Combine(folder.FullName, "recipe"));
    }

    private void StandsIn(string wanted, string version) => Directory.CreateSymbolicLink(Path.Combine(_out, "servers", "redis", wanted), version);
}
