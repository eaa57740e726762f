using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The live control block as the coordinator uses it: <see cref="ControlBlock"/>, and the few fields of the
/// shim's part that the contract lets the coordinator write. Reading is safe from any thread; writing only from
/// the session's.</summary>
internal sealed unsafe class SharedControl(ControlBlock block, MvControl* raw)
{
    internal ControlBlock Block => block;

    /// <summary>The state, read in the order opposite to that in which a follower that takes over writes it (failover.c): the stage,
    /// its <c>publishing</c>, who leads, what it is itself. So what it has already said of the old state is never seen without the
    /// new one, as if a leader had died with nobody to succeed it.</summary>
    internal ControlView View()
    {
        /* A promotion (promotion.c) writes in both orders, and tells of a change in between. */
        while (true)
        {
            uint change = block.Change.Value;
            ControlView view = Look();
            if (block.Change.Value == change) return view;
        }
    }

    private ControlView Look()
    {
        Member[] members = [.. Enumerable.Range(0, (int)MvAbi.Versions).Select(block.Member)];
        MvStage stage = block.Stage;
        ulong generation = block.Generation;
        int leaderPid = block.LeaderPid;
        return new ControlView(
            stage,
            leaderPid,
            block.LeaderVersion,
            block.LogicalPid,
            block.KeeperPid,
            block.Reason,
            block.ReasonCode,
            block.ReasonText,
            generation,
            block.Failovers,
            block.AttachPause,
            block.FailoverTime,
            block.SessionDescriptor,
            members);
    }

    /// <summary>Which of the leader and a follower an update has made of the other one; null: they run the same version.</summary>
    internal Member? UpdatedOf(int leader, int follower)
    {
        Member one = block.Member(leader), other = block.Member(follower);
        return other.UpdatedFrom == leader ? other : one.UpdatedFrom == follower ? one : null;
    }

    internal bool IsAnswered(uint number, out MvReason answer)
    {
        bool answered = block.AnsweredNumber == number;
        answer = block.Answer;
        return answered;
    }

    /// <summary>The diverged follower may end.</summary>
    internal void MarkReportTaken(int version)
    {
        SharedUInt32 taken = block.ReportTaken(version);
        taken.Value = 1;
        taken.Wake();
    }

    /// <summary>Ends the publishing for the follower of that generation: the leader goes solo at its next call. Whoever clears the
    /// word is the one that gives the reason; false: somebody did before, and his stands, or it has taken over.</summary>
    internal bool EndPublishing(int version, ulong generation, MvReason reason, int code, bool followerIsGone)
    {
        MvMember* member = MemberAt(version);
        bool first = generation != 0
            && Interlocked.CompareExchange(ref raw->Publishing[version], 0, (uint)generation) == (uint)generation;
        if (first)
        {
            member->ReasonText[0] = 0;
            member->ReasonCode = code;
            Volatile.Write(ref *(uint*)&member->Reason, (uint)reason);
        }
        if (followerIsGone && member->Generation == generation)
            Volatile.Write(ref *(uint*)&member->State, (uint)MvMemberState.Ended);
        block.Change.Increment();
        block.Change.Wake();
        return first;
    }

    /// <summary>A process that has been waited for is gone: its version index may be used again, and its pid be another's.</summary>
    internal void MarkGone(int pid)
    {
        for (int version = 0; version < (int)MvAbi.Versions; version++)
            _ = Interlocked.CompareExchange(ref MemberAt(version)->Pid, 0, (uint)pid);
    }

    private MvMember* MemberAt(int version) => (MvMember*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref raw->Members[version]);
}
