using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Reports;

/// <summary>The reports of processes that died: a follower, or a leader whose follower took over.</summary>
/// <param name="session">The session's name.</param>
/// <param name="memory">Its memory.</param>
/// <param name="view">What was there when it died.</param>
/// <param name="pid">The follower, or the promoted one.</param>
/// <param name="version">Version index of what died.</param>
/// <param name="images">What updates had loaded into it.</param>
internal sealed class DeathSection(string session, SharedMemory memory, ControlView view, int pid, int version, IReadOnlyList<ImageRange> images)
{
    private static readonly DivergenceSide Nothing = new([], []);

    /// <summary>The follower's crash. It is gone: what is left is where its threads last called the shim, in the
    /// address space that the leader shares with it by origin.</summary>
    internal DivergenceReport BuildFollowerDeath()
    {
        int slot = LastCaller(version);
        ulong address = memory.Control.Block.Thread(version, slot).Site;
        ulong crash = view.Members[version].CrashedAt;
        List<string> place = [];
        if (crash != 0) place = ["(where the signal hit:)", .. Sides.Place(view.LeaderPid, images, crash)];
        if (address != 0) place.AddRange(["(its last call:)", .. Sides.Place(view.LeaderPid, images, address)]);
        int signal = view.Members[version].ReasonCode;
        string how = Reasons.Explain(MvReason.FollowerDied, view.Members[version].ReasonCode, view.Members[version].ReasonText);
        return new DivergenceReport(session, DateTimeOffset.Now, "follower-died",
            string.Create(CultureInfo.InvariantCulture, $"The follower (pid {pid}) is gone: {how}. The server goes on{(view.Followers.Any(m => m.Publishing) ? "" : " alone")}."),
            Sides.LogicalThread(memory, version, slot), null, Last(view.LeaderVersion, slot), new DivergenceSide([], place),
            [
                .. signal is 0 or 9 ? [Kill] : Array.Empty<string>(),
                .. images.Count > 0 ? ["The new version has a fault at this point, or finds what was carried over to it otherwise than it expects (the update description)."] : Array.Empty<string>(),
                "The server crashes by itself at this point, by something that isn't replayed: memory never initialised, a data race between threads, an address used as data.",
            ]);
    }

    /// <summary>The old leader's death, told after the promotion.</summary>
    internal DivergenceReport BuildFailover(WaitStatus? status)
    {
        (int slot, RecordedEvent? death) = FindDeath(version);
        int signal = death is not null ? (int)death.Arguments[0] : status?.Signal ?? view.ReasonCode;
        string how = status is { Signal: 0 } exit ? $"the leader ended with {exit}" : Reasons.Explain(MvReason.LeaderDied, signal, "");
        string time = string.Create(CultureInfo.InvariantCulture, $"{view.FailoverTime.TotalMilliseconds:0.000} ms");
        DivergenceSide leader = Last(version, slot);
        /* Leader and follower have the same addresses: the promoted one tells what stood there. */
        if (death is not null)
            leader = leader with { Backtrace = ["(where the signal hit:)", .. Sides.Place(pid, images, death.Arguments[2])] };
        return new DivergenceReport(session, DateTimeOffset.Now, "leader-died",
            string.Create(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(how[0])}{how[1..]}; the follower (pid {pid}) leads since, {time} after it noticed."),
            Sides.LogicalThread(memory, version, slot), null, leader, Nothing,
            [death is not null ? Fault : status is { Signal: 0 } ? Exit : signal is 0 or 9 ? Kill : Fault]);
    }

    private const string
        Kill = "It was killed from outside (SIGKILL: an operator, or the kernel short of memory: see the kernel's log).",
        Exit = "It exited by itself, and its follower did not: the two decided otherwise by something that isn't replayed: memory never initialised, a data race between threads.",
        Fault = "A fault of the server itself: the core file, if one was written, is the old leader's.";

    private DivergenceSide Last(int version, int slot)
    {
        LogTail? tail = LogTail.Open(memory, version, slot);
        if (tail is null) return Nothing;
        int thread = Sides.LogicalThread(memory, version, slot);
        return new DivergenceSide([.. tail.Before(tail.Published, ReportOptions.Before).Select(e => Sides.Decode(version, thread, e))], []);
    }

    private (int Slot, RecordedEvent? Death) FindDeath(int version)
    {
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
        {
            if (memory.Control.Block.Thread(version, slot).State == MvThreadState.Free) continue;
            LogTail? tail = LogTail.Open(memory, version, slot);
            if (tail?.Before(tail.Published, 1).FirstOrDefault() is { Call: (ushort)MvPseudoCall.Death } death) return (slot, death);
        }
        return (0, null);
    }

    /// <summary>The thread that is in the program, not in a call: most likely the one that crashed; else the main thread.</summary>
    private int LastCaller(int version)
    {
        for (int slot = 0; slot < (int)MvAbi.MaxThreads; slot++)
            if (memory.Control.Block.Thread(version, slot).State == MvThreadState.Running) return slot;
        return 0;
    }
}
