using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Reports;
using Mvedsua.Replication.Results;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class ServerVersionTests
{
    [Theory]
    [InlineData("redis-server: /usr/bin/redis-server", "redis-server")]
    [InlineData("libc6:amd64: /lib/ld-linux.so", "libc6:amd64")]
    [InlineData("diversion by dash from: /bin/sh\ndash: /bin/sh", "dash")]
    [InlineData("a, b: /usr/share/doc", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_files_package_is_found_in_what_dpkg_says(string? said, string? package) => Assert.Equal(package, ServerVersion.PackageIn(said));

    /// <summary>What the package manager says of the package by its name, which is another question.</summary>
    [Fact]
    public void An_installed_server_has_its_packages_version_to_the_revision()
    {
        var version = Programs.Ask("dpkg-query", "--show", "--showformat=${Version}", "redis-server");
        Assert.SkipWhen(string.IsNullOrEmpty(version), "redis-server is not installed by dpkg here");
        Assert.Equal($"redis-server {version} (Debian)", ServerVersion.Of(Built.Paths, "redis-server"));
    }

    [Fact]
    public void What_Debians_source_was_built_of_stands_in_its_path_and_a_link_leads_to_the_one_that_there_was()
    {
        using var folder = new Folder();
        var (paths, servers) = (new Paths(folder.Path), Path.Combine(folder.Path, "servers", "redis"));
        Directory.CreateDirectory(Path.Combine(servers, "7.0.15-1~deb12u9"));
        File.WriteAllText(Path.Combine(servers, "7.0.15-1~deb12u9", "redis-server"), "");
        Directory.CreateSymbolicLink(Path.Combine(servers, "7.0.15-1~deb12u7"), "7.0.15-1~deb12u9");
        Assert.Equal("redis-server 7.0.15-1~deb12u9 (built of Debian's source)", ServerVersion.Of(paths, Path.Combine(servers, "7.0.15-1~deb12u7", "redis-server")));
    }

    [Fact]
    public void A_program_of_no_package_tells_its_version_itself_and_one_of_ours_has_the_commit()
    {
        using var folder = new Folder();
        var other = Path.Combine(folder.Path, "memcached");
        File.WriteAllText(other, "#!/bin/sh\n[ \"$1\" = -V ] && echo memcached 1.7.0\n");
        File.SetUnixFileMode(other, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal("memcached 1.7.0", ServerVersion.Of(Built.Paths, other));
        Assert.Null(ServerVersion.Of(Built.Paths, Built.Paths.Bench("spin-server")));
        Assert.Null(ServerVersion.Of(Built.Paths, "no-such-server"));
    }

    [Fact]
    public void A_server_that_is_started_is_in_the_log_once()
    {
        var paths = Built.Paths;
        for (var i = 0; i < 2; i++) new Server(paths, Mode.Native, Recipe.Beanstalkd).Dispose();
        Assert.Equal([ServerVersion.Of(paths, "beanstalkd")!], paths.Log.Servers);
    }

    [Fact]
    public void The_file_and_the_report_have_them()
    {
        var outcome = Runs.Outcome("load", Sample.Of([1])) with { Servers = ["nginx 1.22.1-9 (Debian)", "kv 1"] };
        var read = RunFile.Parse("x", Runs.Of(outcome).Text()).Outcomes[0];
        Assert.Equal(outcome.Servers, read.Servers);
        Assert.Equal(["versions measured: nginx 1.22.1-9 (Debian), kv 1"], Conditions.Of(read));
    }
}
