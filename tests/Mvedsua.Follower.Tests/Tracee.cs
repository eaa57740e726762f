using System.Runtime.InteropServices;

namespace Mvedsua.Follower.Tests;

/// <summary>A thread of another process, held where a debugger holds it (ptrace). All calls must come from one thread.</summary>
internal static partial class Tracee
{
    internal const int SINGLESTEP = 9, DETACH = 17, SEIZE = 0x4206;
    internal const nint O_TRACECLONE = 0x8, O_TRACEEXIT = 0x40;

    private const int GETREGS = 12, GETEVENTMSG = 0x4201, WaitForAll = 0x40000000;
    private const int Registers = 27, RipIndex = 16; /* struct user_regs_struct */

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint TraceCall(nint request, int tid, nint address, nint data);

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int WaitCall(int tid, out int status, int options, nint usage);

    internal static void Call(int request, int tid, nint data) =>
        Assert.True(TraceCall(request, tid, 0, data) == 0, $"ptrace({request:x}, {tid}): errno {Marshal.GetLastPInvokeError()}");

    /// <summary>Until it stands still.</summary>
    internal static void Wait(int tid)
    {
        Assert.True(WaitCall(tid, out int status, WaitForAll, 0) == tid, $"wait4({tid}): errno {Marshal.GetLastPInvokeError()}");
        Assert.True((status & 0xff) == 0x7f, $"thread {tid} has ended");
    }

    /// <summary>The thread that the one that stands still has just made.</summary>
    internal static unsafe int NewThread(int tid)
    {
        nuint message;
        Call(GETEVENTMSG, tid, (nint)(&message));
        return (int)message;
    }

    internal static unsafe ulong InstructionPointer(int tid)
    {
        ulong* registers = stackalloc ulong[Registers];
        Call(GETREGS, tid, (nint)registers);
        return registers[RipIndex];
    }
}
