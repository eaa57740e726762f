using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class ForkTests
{
    [Fact]
    public void Follow_tells_how_long_the_server_stood()
    {
        Assert.Equal(2.3e-3, Copies.ParseFollowed("follower 812 attached; the server paused for 2.3 ms\n"), 12);
        Assert.Throws<BenchException>(() => Copies.ParseFollowed("follower 5 runs kv; the server paused for 0.9 ms; the update took 28 ms\n"));
    }

    [Fact]
    public void The_heap_tells_how_long_its_fork_took()
    {
        Assert.Equal(57e-6, ForkRows.ParseFork("57000"), 12);
        Assert.Throws<BenchException>(() => ForkRows.ParseFork("fork failed"));
    }

    [Fact]
    public void A_heap_is_named_by_its_size_and_pages()
    {
        Assert.Equal("0 MB", ForkRows.Name((0, false)));
        Assert.Equal("256 MB, 4 KiB pages", ForkRows.Name((256, false)));
        Assert.Equal("64 MB, 2 MiB pages", ForkRows.Name((64, true)));
    }

    [Fact]
    public void The_heap_has_the_memory_that_it_was_told_to_touch_and_gives_it_back()
    {
        using var server = new Server(Built.Paths, Mode.Native, new Recipe("heap", "", (port, _) => [Built.Paths.Bench("heap"), $"{port}"]));
        using var line = new LineClient("heap", server.Port);
        var before = Memory.Touched(server.Pid);
        Assert.Equal("touched", line.Ask("touch 32 small"));
        Assert.InRange(Memory.Touched(server.Pid) - before, 32 << 20, 34 << 20);
        Assert.Equal(0, Memory.Huge(server.Pid));
        Assert.InRange(ForkRows.ParseFork(line.Ask("fork")), 1e-6, 10);
        Assert.Equal("touched", line.Ask("touch 0 small"));
        Assert.InRange(Memory.Touched(server.Pid) - before, 0, 1 << 20);
        Assert.Equal("touch MEGABYTES huge|small", line.Ask("touch 5 large"));
    }
}
