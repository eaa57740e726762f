using Mvedsua.Tests;

namespace Mvedsua.Update.Tests.Servers;

/// <summary>tests/servers/debian-source tells people and tests what it could not do, and needs no archive for what it has built.</summary>
public sealed class DebianSourceTests : IDisposable
{
    private const int Wrong = 64, Unavailable = 69;
    private const string Nowhere = "http://127.0.0.1:1";

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void An_archive_that_can_t_be_reached_is_told_by_name_and_status_so_that_tests_are_skipped()
    {
        var (status, output, errors) = DebianServer.Script(Nowhere, "--out", _bench.Folder, "redis", "7.0.15-1~deb12u7");
        Assert.Equal((Unavailable, ""), (status, output));
        Assert.Contains("bookworm bookworm-security can't be read: E: Failed to fetch", errors, StringComparison.Ordinal);
        Assert.EndsWith($"{Nowhere} can't be reached\n", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_version_that_was_built_needs_no_archive()
    {
        var (old, @new) = RedisVersions.Build("7.0.15 u7-u10");
        Assert.Equal((0, old + "\n"), Answer("7.0.15-1~deb12u7"));
        Assert.Equal((0, @new + "\n"), Answer("5:7.0.15-1~deb12u10"));

        static (int, string) Answer(string version)
        {
            var (status, output, _) = DebianServer.Script(Nowhere, "redis", version);
            return (status, output);
        }
    }

    [Theory]
    [InlineData("there is no recipe for postgresql; there are: ", "postgresql", "15")]
    [InlineData("'7.0/../15' is no version of a Debian package", "redis", "7.0/../15")]
    [InlineData("there is no patch none for redis; there are: crash halves", "--patch", "none", "redis", "7.0.15-1~deb12u7")]
    [InlineData("usage: debian-source", "redis")]
    public void A_request_that_can_t_be_meant_is_refused_before_anything_is_downloaded(string message, params string[] words)
    {
        var (status, output, errors) = DebianServer.Script(Nowhere, ["--out", _bench.Folder, .. words]);
        Assert.Equal((Wrong, ""), (status, output));
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_bench.Folder));
    }
}
