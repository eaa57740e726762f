using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class UpdateParsingTests
{
    [Fact]
    public void An_update_tells_how_long_the_leader_stood_and_how_long_it_took()
    {
        const string said = "follower 5 runs /srv/kv-1.1 and is compared with the leader; the server paused for 0.9 ms; the update took 28 ms; 9 rules forward, 7 reverse\n";
        var reply = UpdateReply.Parse(said);
        Assert.Equal(0.9e-3, reply.Stop, 12);
        Assert.Equal(28e-3, reply.Ready, 12);
        Assert.Throws<BenchException>(() => UpdateReply.Parse("5 leads, 6 follows it; the server paused for 1.3 ms\n"));
    }

    [Fact]
    public void The_last_follower_that_ended_is_the_one_that_counts()
    {
        static string History(params string[] events) => $$"""{"history":[{{string.Join(',', events)}}]}""";
        const string first = """{"when":"2026-11-26T10:00:00.0000001+00:00","what":"follower 5 ended: it was told to"}""";
        const string second = """{"when":"2026-11-26T10:00:00.0123456+00:00","what":"follower 6 ended: it wrote other bytes"}""";
        const string later = """{"when":"2026-11-26T10:00:01+00:00","what":"follower 7 attached"}""";
        Assert.Equal(12_345_600, (Updates.ParseLastEnd(History(first, second, later)) - DateTimeOffset.Parse("2026-11-26T10:00:00Z", null)).TotalNanoseconds);
        Assert.Throws<BenchException>(() => Updates.ParseLastEnd(History(later)));
        Assert.Throws<BenchException>(() => Updates.ParseLastEnd(History()));
    }

    [Fact]
    public void A_report_has_the_time_at_which_the_difference_was_found()
    {
        var when = Updates.ParseReport("""{"session":"x","when":"2026-11-26T10:00:00.0004+00:00","reason":"different-payload"}""");
        Assert.Equal(400_000, (when - DateTimeOffset.Parse("2026-11-26T10:00:00Z", null)).TotalNanoseconds);
    }

    [Fact]
    public void Redis_tells_how_long_its_last_fork_took()
    {
        Assert.Equal(2310e-6, RedisFork.Parse("# Stats\r\ntotal_forks:1\r\nlatest_fork_usec:2310\r\nx:1\r\n"), 12);
        Assert.Throws<BenchException>(() => RedisFork.Parse("latest_fork_usec:0\r\n")); // it has never made a child
        Assert.Throws<BenchException>(() => RedisFork.Parse("ERR\r\n"));
    }

    [Fact]
    public void Touched_memory_is_what_no_file_backs()
    {
        Assert.Equal(123 * 1024.0, Memory.ParseTouched("VmRSS:\t 999 kB\nRssAnon:\t     123 kB\nRssFile:\t 876 kB\n"));
        Assert.InRange(Memory.Touched(Environment.ProcessId), 1 << 20, 1L << 40);
        Assert.Throws<FormatException>(() => Memory.ParseTouched("Name:\tx\n"));
    }

    /// <summary>A build that fails must not look like an archive that can't be reached.</summary>
    [Fact]
    public void Only_an_archive_that_cannot_be_reached_leaves_a_server_out()
    {
        Assert.Equal("/out/redis-server", DebianSource.Program("redis", "7", 0, "/out/redis-server\n", ""));
        Assert.Null(DebianSource.Program("redis", "7", 69, "", "debian-source: http://deb.debian.org can't be reached"));
        Assert.Throws<BenchException>(() => DebianSource.Program("redis", "7", 1, "", "debian-source: redis 7 could not be built"));
    }

    [Fact]
    public void A_program_that_fails_is_told_with_its_status_and_its_words()
    {
        var (status, output, errors) = Programs.RunToEnd("sh", ["-c", "echo out; echo err >&2; exit 69"], TimeSpan.FromMinutes(1));
        Assert.Equal((69, "out\n", "err\n"), (status, output, errors));
        var failure = Assert.Throws<BenchException>(() => Programs.Run("sh", ["-c", "echo why >&2; exit 3"]));
        Assert.Contains("exit status 3\nwhy", failure.Message, StringComparison.Ordinal);
    }
}
