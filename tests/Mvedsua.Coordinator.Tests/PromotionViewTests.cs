using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The coordinator reads the control block while a follower takes over, which writes it field by field. What could go wrong: it
/// sees the dead leader still leading and the follower already gone, and ends the session.</summary>
public sealed unsafe class PromotionViewTests
{
    [Fact]
    public void A_promotion_is_never_seen_as_a_dead_leader_without_a_follower()
    {
        using SharedMemory memory = SharedMemory.Create("view", 1 << 20, null, followers: 0, wanted: 0);
        var control = (MvControl*)Libc.Mmap(null, MvAbi.ControlSpan, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, memory.Memory.Descriptor, 0);
        bool done = false;
        /* Generation g: process g leads, g + 1 follows, each under the index of its number. */
        (control->LeaderPid, control->LeaderVersion, control->Leads, Member(control, 1)->Generation) = (1, 1, 1, 1);
        var promotions = new Thread(() =>
        {
            for (uint g = 1; !Volatile.Read(ref done); g++)
            {
                uint version = (g + 1) % MvAbi.Versions;
                MvMember* follower = Member(control, version), leader = Member(control, g % MvAbi.Versions);
                Volatile.Write(ref follower->Pid, 0);
                Volatile.Write(ref *(uint*)&follower->State, (uint)MvMemberState.None);
                Volatile.Write(ref follower->Generation, g + 1);
                Volatile.Write(ref *(uint*)&control->Stage, (uint)MvStage.Attaching);
                Volatile.Write(ref control->Generation, g + 1);
                Volatile.Write(ref control->Publishing[version], g + 1);
                Volatile.Write(ref follower->Pid, g + 1);
                if (g % 2 == 0) Volatile.Write(ref *(uint*)&control->Stage, (uint)MvStage.Followed);
                if (g % 3 == 0) Volatile.Write(ref *(uint*)&follower->State, (uint)MvMemberState.Replaying);
                Thread.SpinWait(50);
                /* As roles/failover.c does. */
                Volatile.Write(ref control->Mourned, g + 1);
                Volatile.Write(ref control->Publishing[version], 0);
                Volatile.Write(ref control->Leads, g + 1);
                Volatile.Write(ref *(uint*)&control->Stage, (uint)MvStage.Failover);
                Volatile.Write(ref control->LeaderPid, g + 1);
                Volatile.Write(ref control->LeaderVersion, version);
                Volatile.Write(ref *(uint*)&leader->State, (uint)MvMemberState.Ended);
                Volatile.Write(ref *(uint*)&follower->State, (uint)MvMemberState.Leads);
                Volatile.Write(ref *(uint*)&control->Stage, (uint)MvStage.SingleLeader);
                Thread.SpinWait(50);
            }
        });
        promotions.Start();
        try
        {
            int promoted = 0, taking = 0;
            for (int i = 0; i < 2_000_000 && (i < 200_000 || promoted < 1000 || taking < 1000); i++)
            {
                ulong generation = Volatile.Read(ref control->Generation);
                ControlView view = memory.Control.View();
                /* An index is another process's three generations later at the soonest. */
                if (generation == 0 || Volatile.Read(ref control->Generation) > generation + 1) continue;
                Member newest = view.Members[(int)(generation % MvAbi.Versions)];
                if (newest.State == MvMemberState.Leads)
                {
                    promoted++;
                    Assert.True(view.LeaderPid >= (int)generation, $"promoted, but the old one leads: {view}");
                }
                /* What the state machine is told as the leader's end has been noticed. */
                if (newest is { State: MvMemberState.None, Publishing: false } && newest.Pid > view.LeaderPid)
                {
                    taking++;
                    Assert.True(view.Stage == MvStage.Failover, $"a follower that takes over follows no more: {view}");
                }
            }
            Assert.True(promoted > 0);
        }
        finally
        {
            Volatile.Write(ref done, true);
            promotions.Join();
        }
    }

    private static MvMember* Member(MvControl* control, uint version) =>
        (MvMember*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref control->Members[(int)version]);
}
