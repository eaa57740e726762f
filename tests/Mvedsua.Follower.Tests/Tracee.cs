using System.Runtime.InteropServices;

namespace Mvedsua.Follower.Tests;

/// <summary>A thread of another process, held where a debugger holds it (ptrace). All calls must come from one thread.</summary>
internal static partial class Tracee
{
    internal const int SINGLESTEP = 9, DETACH = 17, SEIZE = 0x4206;
    internal const nint O_TRACECLONE = 0x8, O_TRACEEXIT = 0x40;

    private const int GETREGS = 12, SYSCALL = 24, GETEVENTMSG = 0x4201, INTERRUPT = 0x4207, GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211, WaitForAll = 0x40000000;
    private const int SIGSYS = 31;
    private const int SysRtTgsigqueueinfo = 297, Queued = -1; /* SI_QUEUE */
    private const int Registers = 27, RaxIndex = 10, OrigRaxIndex = 15, RipIndex = 16; /* struct user_regs_struct */

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    private static partial nint TraceCall(nint request, int tid, nint address, nint data);

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int WaitCall(int tid, out int status, int options, nint usage);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static unsafe partial nint SignalCall(nint number, nint pid, nint tid, nint signal, int* information);

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

    internal static ulong InstructionPointer(int tid) => Register(tid, RipIndex);

    private static unsafe ulong Register(int tid, int index)
    {
        ulong* registers = stackalloc ulong[Registers];
        Call(GETREGS, tid, (nint)registers);
        return registers[index];
    }

    /// <summary>Is the thread of that name in that call?</summary>
    internal static bool IsIn(int call, int pid, string thread, string arguments = "") =>
        CallOf(pid, Named(pid, thread)) is var line && line.StartsWith($"{call} ", StringComparison.Ordinal) && line.Contains(arguments, StringComparison.Ordinal);

    /// <summary>A thread that stands still goes on until the kernel has made that call for it, with that outcome.</summary>
    internal static void StopAfter(int tid, int call, int outcome)
    {
        do
        {
            Call(SYSCALL, tid, 0);
            Wait(tid);
        }
        while (Register(tid, OrigRaxIndex) != (ulong)call || Register(tid, RaxIndex) != (ulong)outcome);
    }

    /// <summary>Holds a running thread.</summary>
    internal static void Stop(int tid)
    {
        Call(SEIZE, tid, 0);
        Call(INTERRUPT, tid, 0);
        Wait(tid);
    }

    /// <summary>Sends SIGSYS with a value, as the shim does.</summary>
    internal static unsafe void Kick(int pid, int tid, int value)
    {
        int* information = stackalloc int[32]; /* siginfo: signal, error, code, pad, pid, uid, value */
        (information[0], information[2], information[6]) = (SIGSYS, Queued, value);
        Assert.Equal(0, SignalCall(SysRtTgsigqueueinfo, pid, tid, SIGSYS, information));
    }

    internal static bool HasPendingKick(int pid, int tid) =>
        File.ReadLines($"/proc/{pid}/task/{tid}/status").First(line => line.StartsWith("SigPnd:", StringComparison.Ordinal)) is var line
        && (Convert.ToUInt64(line[7..].Trim(), 16) >> (SIGSYS - 1) & 1) != 0;

    /// <summary>The call that a thread is in: its number and arguments, or "running".</summary>
    internal static string CallOf(int pid, int tid) => File.ReadAllText($"/proc/{pid}/task/{tid}/syscall");

    /// <summary>The one thread of that name.</summary>
    internal static int Named(int pid, string name) => Directory.EnumerateDirectories($"/proc/{pid}/task")
        .Where(task => File.ReadAllText(Path.Combine(task, "comm")) == name + "\n").Select(task => int.Parse(Path.GetFileName(task))).Single();

    /// <summary>Whether Syscall User Dispatch is on in a thread that stands still.</summary>
    internal static unsafe bool IsDispatched(int tid)
    {
        const int size = 32;
        ulong* config = stackalloc ulong[size / 8]; /* struct ptrace_sud_config: mode first */
        Assert.True(TraceCall(GET_SYSCALL_USER_DISPATCH_CONFIG, tid, size, (nint)config) == 0, $"errno {Marshal.GetLastPInvokeError()}");
        return config[0] == 1;
    }
}
