using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>How far a follower has replayed, at one look.</summary>
/// <param name="Logs">How many of the leader's logs it reads.</param>
/// <param name="Published">Events in these.</param>
/// <param name="Replayed">Those of them that the follower has consumed.</param>
/// <param name="Waits">Where it has not consumed all, it sleeps until there are more: a rule may stand for what comes next.</param>
/// <param name="Sleeps">It sleeps until there are more in all of them: it computes nothing, and has nothing to do.</param>
internal readonly record struct ReplayProgress(int Logs, ulong Published, ulong Replayed, bool Waits, bool Sleeps)
{
    internal static unsafe ReplayProgress Of(SharedMemory memory, int follower)
    {
        int logs = 0;
        ulong published = 0, replayed = 0;
        bool waits = true, sleeps = true;
        int leader = memory.Control.Block.LeaderVersion;
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
        {
            if (LagMonitor.FollowerCursor(memory, leader, slot, follower, out MvLogHeader* log) is not { } cursor) continue;
            ulong read = Volatile.Read(ref cursor.Pointer->Sequence), written = Volatile.Read(ref log->Sequence);
            bool isAsleep = (Volatile.Read(ref SharedMemory.Sleepers(log)->Bits) >> follower & 1) != 0;
            logs++;
            published += written;
            replayed += read;
            waits &= read >= written || isAsleep;
            sleeps &= isAsleep;
        }
        return new ReplayProgress(logs, published, replayed, waits, sleeps);
    }
}
