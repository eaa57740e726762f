using System.Diagnostics;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The server's processes write the control block: whatever stands in it, the coordinator neither fails nor
/// harms anybody.</summary>
public sealed class DamagedMemoryTests
{
    private const int HeaderSize = 576; /* all up to the messages */

    private static async Task<(LiveSession Session, nint Control)> Mapped()
    {
        LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; read line"]);
        await session.Line();
        int leader = (await session.Status()).Leader.Pid;
        int fd = Libc.Open($"/proc/{leader}/fd/900", Libc.O_RDWR | Libc.O_CLOEXEC, 0);
        Assert.True(fd >= 0);
        return (session, Map(fd));
    }

    private static unsafe nint Map(int fd) =>
        (nint)Libc.Mmap(null, MvAbi.ControlSpan, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, fd, 0);

    [Fact]
    public async Task Every_byte_of_the_header_flipped_leaves_a_coordinator_that_answers_and_a_server_that_runs()
    {
        (LiveSession session, nint control) = await Mapped();
        await using LiveSession running = session;
        for (int i = 0; i < HeaderSize; i++)
        {
            Flip(control, i);
            Assert.Equal(session.Name, (await session.Status()).Name);
            Flip(control, i);
        }
        await LiveSession.Client.FollowAsync(session.Name, default);
        Assert.NotNull((await session.Status()).Follower);
        Assert.False(session.Run.HasExited);
    }

    [Fact]
    public async Task A_strangers_pid_in_the_control_block_is_not_taken_for_a_follower_nor_signalled()
    {
        (LiveSession session, nint control) = await Mapped();
        await using LiveSession running = session;
        using Process stranger = Process.Start("/bin/sleep", "1000");
        try
        {
            Claim(control, (uint)stranger.Id);
            Assert.Null((await session.Status()).Follower);
            await Assert.ThrowsAsync<Control.SessionException>(() => LiveSession.Client.UnfollowAsync(session.Name, 0, false, default));
            session.Run.StandardInput.WriteLine();
            Assert.Equal(0, await session.Exit());
            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    private static unsafe void Flip(nint control, int at) => ((byte*)control)[at] ^= 0xff;

    private static unsafe void Claim(nint address, uint pid)
    {
        var control = (MvControl*)address;
        control->Members[1].Pid = pid;
        control->KeeperPid = pid;
        control->Members[1].State = MvMemberState.Parked;
        control->Publishing[1] = 1;
        control->Stage = MvStage.Followed;
    }
}
