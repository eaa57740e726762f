using System.Runtime.InteropServices;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>kill(2).</summary>
internal static class Signals
{
    internal const int Int = 2, Kill = 9, Usr1 = 10, Term = 15;

    internal static void Send(int pid, int signal)
    {
        if (NativeKill(pid, signal) != 0) throw new BenchException($"kill {pid} with {signal}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Of a process that may be gone by now.</summary>
    internal static void TrySend(int pid, int signal) => _ = NativeKill(pid, signal);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeKill(int pid, int signal);
}
