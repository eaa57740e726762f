using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Children of a dead leader that are not (yet) the coordinator's. What could go wrong: one that works on is told to have been killed.</summary>
public sealed unsafe class OrphanTests : IDisposable
{
    private const uint Lives = 1, Ended = 2; /* enum mv_orphan_state */
    private readonly SharedMemory _memory = SharedMemory.Create("orphans", 1 << 20, null, followers: 0, wanted: 0);
    private readonly MvControl* _control;
    private readonly Process _shell;
    private readonly Orphans _orphans;

    public OrphanTests()
    {
        _control = (MvControl*)Libc.Mmap(null, MvAbi.ControlSpan, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, _memory.Memory.Descriptor, 0);
        /* The shell's child, as a leader's that has not been torn down yet: not ours. */
        _shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sleep 100 & echo $!; wait"]) { RedirectStandardOutput = true })!;
        Orphan().Pid = uint.Parse(_shell.StandardOutput.ReadLine()!);
        Orphan().State = (MvOrphanState)Lives;
        _orphans = new Orphans(_memory.Control.Block, NullLogger.Instance, null);
        _orphans.Adopt(Environment.ProcessId);
    }

    [Fact]
    public void A_child_is_not_given_up_before_its_dead_parent_was_waited_for()
    {
        for (int look = 0; look < 10; look++) _orphans.LoseStrangers(leadersGone: false, 10_000 * look);
        Assert.Equal(Lives, (uint)Orphan().State);
        _orphans.LoseStrangers(leadersGone: true, 200_000);
        _orphans.LoseStrangers(leadersGone: false, 210_000); /* another leader has died */
        _orphans.LoseStrangers(leadersGone: true, 220_000);
        Assert.Equal(Lives, (uint)Orphan().State);
    }

    [Fact]
    public void Looks_of_two_promotions_that_come_together_give_nobody_up()
    {
        _orphans.LoseStrangers(leadersGone: true, 5000);
        _orphans.LoseStrangers(leadersGone: true, 5001);
        Assert.Equal(Lives, (uint)Orphan().State);
        _orphans.LoseStrangers(leadersGone: true, 7000);
        Assert.Equal(Ended, (uint)Orphan().State);
    }

    private ref MvOrphan Orphan() => ref Unsafe.AsRef<MvOrphan>(&_control->Orphans);

    public void Dispose()
    {
        _ = Libc.Kill((int)Orphan().Pid, Signals.Kill);
        _shell.Kill();
        _shell.Dispose();
        _memory.Dispose();
    }
}
