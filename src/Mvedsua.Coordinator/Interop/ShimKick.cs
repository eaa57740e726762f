using System.Runtime.InteropServices;

namespace Mvedsua.Coordinator.Interop;

/// <summary>Tells the leader that there is something to look at: a queued SIGSYS, which the shim never lets the
/// program block and recognises by its value.</summary>
internal static unsafe class ShimKick
{
    private const int SI_QUEUE = -1;

    /// <summary>Queues it to the main thread, or, when that has ended, to the process. Returns 0 or an errno.</summary>
    internal static int Send(int pid, int value)
    {
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
}
