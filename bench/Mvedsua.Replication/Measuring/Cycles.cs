using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mvedsua.Replication.Measuring;

/// <summary>Processor cycles of a process's main thread, kernel included, where the machine counts them (perf_event_open(2)).</summary>
internal sealed partial class Cycles : IDisposable
{
    private const long PerfEventOpen = 298;
    private readonly FileStream _counter;

    private Cycles(SafeFileHandle counter) => _counter = new FileStream(counter, FileAccess.Read, bufferSize: 0);

    /// <summary>Since the counter was opened.</summary>
    internal ulong Count
    {
        get
        {
            Span<byte> count = stackalloc byte[sizeof(ulong)];
            _counter.ReadExactly(count);
            return MemoryMarshal.Read<ulong>(count);
        }
    }

    /// <summary>Null, and why, where they are not counted.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="type">What is counted: PERF_TYPE_HARDWARE.</param>
    /// <param name="config">PERF_COUNT_HW_CPU_CYCLES.</param>
    internal static (Cycles? Counter, string Why) Open(int pid, uint type = 0, ulong config = 0)
    {
        var what = new Attributes { Type = type, Size = (uint)Marshal.SizeOf<Attributes>(), Config = config };
        var counter = Open(PerfEventOpen, ref what, pid, -1, -1, 8 /* PERF_FLAG_FD_CLOEXEC */);
        if (counter >= 0) return (new Cycles(new SafeFileHandle((nint)counter, ownsHandle: true)), "");
        var error = Marshal.GetLastPInvokeError();
        return (null, error is 2 or 95 /* ENOENT, EOPNOTSUPP */ ? "this machine has no counter of cycles" : $"perf_event_open: {new Win32Exception(error).Message}");
    }

    public void Dispose() => _counter.Dispose();

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial long Open(long number, ref Attributes what, int pid, int processor, int group, ulong flags);

    /// <summary>struct perf_event_attr, PERF_ATTR_SIZE_VER0.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Attributes
    {
        internal uint Type;
        internal uint Size;
        internal ulong Config;
    }
}
