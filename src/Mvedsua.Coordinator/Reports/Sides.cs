using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports.Backtraces;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Coordinator.Tracing;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Reports;

/// <summary>Makes the two sides of a report: decoded calls and symbolised backtraces.</summary>
internal static class Sides
{
    internal static TraceEvent Decode(int version, int thread, RecordedEvent e) => EventDecoder.Decode(version, thread,
        e.Sequence, e.Call, e.Arguments, e.Result, e.InPayload, e.OutPayload, ReportOptions.Format, e.IsCut);

    /// <summary>What stands at an address of a process, as a backtrace of one frame.</summary>
    internal static IReadOnlyList<string> Place(int pid, IReadOnlyList<ImageRange> images, ulong address)
    {
        using Unwinder? unwinder = Unwinder.Open(pid, images, out string? problem);
        return unwinder is null ? [$"0x{address:x}", $"({problem})"]
            : [unwinder.Symbolise(address, isReturnAddress: false).ToString()];
    }

    /// <summary>The logical id of a thread, its slot when it never said so.</summary>
    internal static int LogicalThread(SharedMemory memory, int version, int slot)
    {
        uint id = memory.Control.Block.Thread(version, slot).LogicalTid;
        return id == 0 ? slot : (int)id;
    }

    internal static int Threads(SharedMemory memory, int version) => Enumerable.Range(0, (int)MvAbi.MaxThreads)
        .Count(slot => memory.Control.Block.Thread(version, slot).State is not (MvThreadState.Free or MvThreadState.Exited));

    internal static string Count(ulong number, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");
}
