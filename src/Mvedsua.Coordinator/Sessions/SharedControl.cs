using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The live control block as the coordinator uses it: <see cref="ControlBlock"/>, and the few fields of the
/// shim's part that the contract lets the coordinator write. Reading is safe from any thread; writing only from
/// the session's.</summary>
internal sealed unsafe class SharedControl(ControlBlock block, MvControl* raw)
{
    internal ControlBlock Block => block;

    internal ControlView View() => new(
        block.Stage,
        block.LeaderPid,
        block.LeaderVersion,
        block.LogicalPid,
        block.FollowerPid,
        block.KeeperPid,
        (FollowerState)block.FollowerState,
        block.Reason,
        block.ReasonCode,
        block.ReasonText,
        block.Generation,
        block.Failovers,
        block.AttachPause,
        block.FailoverTime,
        block.SessionDescriptor,
        block.Publishing);

    internal bool IsAnswered(uint number, out MvReason answer)
    {
        bool answered = block.AnsweredNumber == number;
        answer = block.Answer;
        return answered;
    }

    /// <summary>The diverged follower may end.</summary>
    internal void MarkReportTaken()
    {
        SharedUInt32 taken = block.ReportTaken;
        taken.Value = 1;
        taken.Wake();
    }

    /// <summary>Ends the publishing for the follower of that generation: the leader goes solo at its next call. Whoever clears the
    /// word is the one that gives the reason; false: somebody did before, and his stands, or it has taken over.</summary>
    internal bool EndPublishing(ulong generation, MvReason reason, int code, bool followerIsGone)
    {
        bool first = generation != 0 && Interlocked.CompareExchange(ref raw->Publishing, 0, (uint)generation) == (uint)generation;
        if (first)
        {
            raw->ReasonText[0] = 0;
            raw->ReasonCode = code;
            Volatile.Write(ref *(uint*)&raw->Reason, (uint)reason);
        }
        if (followerIsGone)
        {
            Volatile.Write(ref raw->FollowerState, (uint)FollowerState.Ended);
            Volatile.Write(ref raw->FollowerPid, 0);
        }
        block.Change.Increment();
        block.Change.Wake();
        return first;
    }

    /// <summary>The messages behind number <paramref name="last"/>, as far as the ring still holds them.</summary>
    internal List<ShimMessage> MessagesAfter(ref ulong last)
    {
        var messages = new List<ShimMessage>();
        ulong count = block.MessageCount;
        if (count > MvAbi.Messages && count - last > MvAbi.Messages) last = count - MvAbi.Messages;
        while (last < count)
        {
            ShimMessage? message = block.Message(last + 1);
            /* The newest ones may still be being written: they come with the next change. An older one is lost. */
            if (message is null && count - last < MvAbi.Messages) break;
            last++;
            if (message is not null) messages.Add(message);
        }
        return messages;
    }
}
