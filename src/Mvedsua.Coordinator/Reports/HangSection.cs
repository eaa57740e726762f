using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Reports;

/// <summary>The report of a follower that replays nothing any more. Created while its threads are still there.</summary>
internal sealed class HangSection(string session, SharedMemory memory, ControlView view, int pid, int version, TimeSpan howLong)
{
    private readonly string[] _computing = Computing(pid);
    private readonly bool _hasThreads = ProcStat.ThreadsOf(pid).Skip(1).Any();

    internal DivergenceReport Build()
    {
        string compute = _computing.Length == 0 ? "None of its threads computes." : $"Threads that compute: {string.Join(", ", _computing)}.";
        return new DivergenceReport(session, DateTimeOffset.Now, "stalled",
            string.Create(CultureInfo.InvariantCulture, $"The follower (pid {pid}) replayed nothing for {howLong.TotalSeconds:0} s, though its leader went on. {compute}"),
            Sides.LogicalThread(memory, version, 0), null, new DivergenceSide([], []), new DivergenceSide([], []),
            [
                .. _hasThreads && _computing.Length > 0 ? ["Threads wait for each other by memory without a lock (atomics, a spin lock), whose order a follower can't replay: where the leader's found it changed, the follower's wait for ever."] : Array.Empty<string>(),
                .. _computing.Length > 0 ? ["A computation without a call that takes far longer than any that was seen of the leader."] : Array.Empty<string>(),
                .. _computing.Length == 0 && Sides.Threads(memory, view.LeaderVersion) > 1 ? ["Threads wait for each other: an order between them that the lock events don't fix."] : Array.Empty<string>(),
            ]);
    }

    /// <summary>The names of the threads that want a processor.</summary>
    private static string[] Computing(int pid) => [.. ProcStat.ThreadsOf(pid).Where(thread => thread.State == 'R').Select(thread => thread.Name)];
}
