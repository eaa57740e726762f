using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>What a server can tell of `mvedsua run`, and what run tells of the server. With the fake shim.</summary>
public sealed class RunTests
{
    private static LiveSession Shell(string script, params (string, string)[] environment) =>
        LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", script], environment);

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -TERM $$", 128 + 15)]
    [InlineData("kill -KILL $$", 128 + 9)]
    public async Task Run_exits_with_the_servers_status(string script, int expected)
    {
        await using LiveSession session = Shell(script);
        Assert.Equal(expected, await session.Exit());
    }

    [Fact]
    public async Task The_server_gets_the_dispositions_and_the_mask_that_run_was_given()
    {
        await using LiveSession session = Shell("grep -E '^Sig(Blk|Ign):' /proc/self/status");
        Assert.Equal("SigBlk:\t0000000000000000", await session.Line());
        Assert.Equal(0ul, Ignored(await session.Line()));
    }

    /// <summary>The mask of a SigIgn line, without signals 32 and 33: glibc's own, which children of GNU make find ignored.</summary>
    private static ulong Ignored(string line)
    {
        Assert.StartsWith("SigIgn:\t", line, StringComparison.Ordinal);
        return Convert.ToUInt64(line["SigIgn:\t".Length..].Trim(), 16) & ~0x1_8000_0000ul;
    }

    [Fact]
    public async Task A_signal_that_run_was_told_to_ignore_stays_ignored_in_the_server()
    {
        string script = $"trap '' HUP; exec {Installation.Fake} run --name ignoring -- /bin/grep ^SigIgn: /proc/self/status";
        Result result = await Result.Of("/bin/sh", "-c", script);
        Assert.Equal(1ul, Ignored(result.Output));
    }

    [Fact]
    public async Task The_server_inherits_no_descriptor_that_it_would_not_have_natively()
    {
        Result native = await Result.Of("/bin/ls", "/proc/self/fd"); /* this test, too, may have inherited some */
        await using LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/ls", "/proc/self/fd"]);
        foreach (string descriptor in native.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Assert.Equal(descriptor, await session.Line());
        /* The session memory, which the shim moves out of the way (the fake one to 900). */
        Assert.Equal("900", await session.Line());
        Assert.Equal(0, await session.Exit());
    }

    [Fact]
    public async Task A_preload_of_the_user_stands_behind_the_shim()
    {
        await using LiveSession session = LiveSession.Start(Installation.Fake, [],
            ["/bin/sh", "-c", "tr '\\0' '\\n' < /proc/$$/environ | grep ^LD_PRELOAD"], ("LD_PRELOAD", "libm.so.6"));
        Assert.Equal($"LD_PRELOAD={Path.GetDirectoryName(Installation.Fake)}/libmvedsua.so:libm.so.6", await session.Line());
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    [InlineData("USR1")]
    [InlineData("USR2")]
    [InlineData("TERM")]
    public async Task A_signal_to_run_reaches_the_server(string name)
    {
        await using LiveSession session = Shell($"trap 'echo got; exit 4' {name}; echo ready; while :; do read line; done");
        Assert.Equal("ready", await session.Line());
        await Result.Of("/bin/kill", $"-{name}", $"{session.Run.Id}");
        try
        {
            session.Run.StandardInput.WriteLine(); /* some shells run a trap only behind their read */
        }
        catch (IOException)
        {
            /* It has ended already. */
        }
        Assert.Equal("got", await session.Line());
        Assert.Equal(4, await session.Exit());
    }

    [Fact]
    public async Task The_shims_messages_are_told_once_each()
    {
        await using LiveSession session = Shell("exit 0");
        await session.Exit();
        Assert.Single(session.Errors.Split('\n'), line => line.EndsWith("this is the fake shim", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_session_of_the_same_name_is_refused()
    {
        await using LiveSession session = Shell("echo ready; read line");
        await session.Line();
        Result second = await Result.Of(Installation.Fake, "run", "--name", session.Name, "--", "/bin/true");
        Assert.Equal((int)ExitStatus.LaunchRefused, second.Status);
        Assert.Contains(session.Name, second.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_left_of_a_session_without_reports()
    {
        await using LiveSession session = Shell("exit 0");
        await session.Exit();
        Assert.False(Directory.Exists(SessionDirectory.PathOf(session.Name)));
    }

    [Fact]
    public async Task A_service_manager_is_told_the_new_main_process_after_a_failover()
    {
        string path = Path.Combine(Installation.Folder, "notify.sock");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        await using LiveSession session = Shell("echo ready; read line", ("NOTIFY_SOCKET", path), ("FAKE_FAILOVER", "1"));
        await session.Line();
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus before = await session.Status();
        Process.GetProcessById(before.Leader.Pid).Kill();
        byte[] message = new byte[256];
        int length = await manager.ReceiveAsync(message).WaitAsync(LiveSession.Patience);
        Assert.Equal($"MAINPID={before.Follower!.Pid}", Encoding.ASCII.GetString(message, 0, length));
    }

    [Fact]
    public async Task After_a_failover_signals_go_to_the_new_leader_and_its_status_is_runs()
    {
        await using LiveSession session = Shell("echo ready; read line", ("FAKE_FAILOVER", "1"));
        await session.Line();
        await LiveSession.Client.FollowAsync(session.Name, default);
        SessionStatus before = await session.Status();
        Process.GetProcessById(before.Leader.Pid).Kill();
        SessionStatus after = await session.Until(s => s.Leader.Pid == before.Follower!.Pid);
        Assert.Null(after.Follower);
        await Result.Of("/bin/kill", "-USR2", $"{session.Run.Id}");
        Assert.Equal(128 + 12, await session.Exit());
    }
}
