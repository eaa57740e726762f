using System.Globalization;
using System.Runtime.InteropServices;

namespace Mvedsua.Coordinator.Interop;

/// <summary>Tells the leader that there is something to look at: a queued SIGSYS, which the shim never lets the
/// program block and recognises by its value.</summary>
internal static unsafe class ShimKick
{
    private const int SI_QUEUE = -1;

    /// <summary>The process does not catch the kick, which would kill it: there is no shim in it.</summary>
    internal const int NotUnderShim = -1;

    /// <summary>Queues it to the main thread, or, when that has ended, to the process. Returns 0, an errno, or
    /// <see cref="NotUnderShim"/>.</summary>
    internal static int Send(int pid, int value)
    {
        if (!Catches(pid, Signals.Sys)) return NotUnderShim;
        byte* info = stackalloc byte[128];
        new Span<byte>(info, 128).Clear();
        *(int*)info = Signals.Sys;
        *(int*)(info + 8) = SI_QUEUE;
        *(int*)(info + 16) = Environment.ProcessId;
        *(uint*)(info + 20) = Libc.Geteuid();
        *(int*)(info + 24) = value;
        if (Libc.Syscall(Libc.SYS_rt_tgsigqueueinfo, pid, pid, Signals.Sys, (long)info, 0, 0) == 0) return 0;
        return Libc.Syscall(Libc.SYS_rt_sigqueueinfo, pid, Signals.Sys, (long)info, 0, 0, 0) == 0
            ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Whether that process has a handler for that signal (SigCgt, proc(5)). One that is gone can't be hurt.</summary>
    private static bool Catches(int pid, int signal)
    {
        try
        {
            foreach (string line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")))
            {
                if (line.StartsWith("State:\tZ", StringComparison.Ordinal)) return true;
                if (line.StartsWith("SigCgt:", StringComparison.Ordinal))
                    return (ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) != 0;
            }
        }
        catch (IOException)
        {
        }
        return true;
    }
}
