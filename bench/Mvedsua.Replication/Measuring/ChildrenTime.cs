using System.Runtime.InteropServices;

namespace Mvedsua.Replication.Measuring;

/// <summary>Processor time of the programs that this one has run and waited for: a load's, between two looks.</summary>
internal static class ChildrenTime
{
    private const int RusageChildren = -1, Words = 18; // struct rusage: two timevals, then 14 longs

    /// <summary>Seconds, user and system (getrusage(2), RUSAGE_CHILDREN).</summary>
    internal static unsafe double Now()
    {
        var usage = stackalloc long[Words];
        if (NativeUsage(RusageChildren, usage) != 0) throw new BenchException($"getrusage: {Marshal.GetLastPInvokeErrorMessage()}");
        return usage[0] + usage[2] + (usage[1] + usage[3]) / 1e6;
    }

    [DllImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int NativeUsage(int who, long* usage);
}
