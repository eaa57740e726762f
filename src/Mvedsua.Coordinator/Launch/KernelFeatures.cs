namespace Mvedsua.Coordinator.Launch;

/// <summary>System calls that are newer or rarer than the rest, each tried with arguments that change nothing.</summary>
internal static unsafe class KernelFeatures
{
    private const long Prctl = 157, ProcessVmReadv = 310, Membarrier = 324, FutexWaitv = 449; // x86-64 numbers
    private const int NoEntry = 38, Again = 11, Invalid = 22; // ENOSYS, EAGAIN, EINVAL

    internal static IEnumerable<SystemCheck> Examine() =>
        [UserDispatch(), WaitForMany(), SyncCore(), ReadMemory(), Yama()];

    // PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF: what is off already is switched off.
    private static SystemCheck UserDispatch() => HostCalls.Call(Prctl, 59, 0) == 0
        ? new("user-dispatch", CheckOutcome.Ok, "Syscall User Dispatch works")
        : new("user-dispatch", CheckOutcome.Missing, "prctl(PR_SET_SYSCALL_USER_DISPATCH) fails",
            "followers need it, so that none of their calls escapes; use a kernel with CONFIG_GENERIC_ENTRY (5.11 or later), outside a sandbox that forbids it.");

    // One waiter on a value that differs: EAGAIN at once.
    private static SystemCheck WaitForMany()
    {
        uint word = 1;
        var waiter = stackalloc ulong[3]; // struct futex_waitv: val, uaddr, flags
        (waiter[0], waiter[1], waiter[2]) = (0, (ulong)&word, 2 | 128); // FUTEX_32 | FUTEX_PRIVATE_FLAG
        var result = HostCalls.Call(FutexWaitv, (nint)waiter, 1, 0, 0, 1);
        return result == -Again
            ? new("futex-waitv", CheckOutcome.Ok, "futex_waitv works")
            : new("futex-waitv", CheckOutcome.Missing, $"futex_waitv fails ({HostCalls.ErrorName((int)-result)})",
                "the death of a thread is noticed with it; use kernel 5.16 or later, outside a sandbox that forbids it.");
    }

    private static SystemCheck SyncCore()
    {
        const long privateExpeditedSyncCore = 1 << 5; // MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE
        var commands = HostCalls.Call(Membarrier, 0, 0, 0); // MEMBARRIER_CMD_QUERY
        return commands > 0 && (commands & privateExpeditedSyncCore) != 0
            ? new("membarrier", CheckOutcome.Ok, "membarrier(SYNC_CORE) works")
            : new("membarrier", CheckOutcome.Warning, "membarrier has no SYNC_CORE",
                "code that appears while threads run is trapped instead of rewritten; use a kernel with CONFIG_MEMBARRIER.");
    }

    // Reading this process's own memory needs no privilege: a failure is a filter's.
    private static SystemCheck ReadMemory()
    {
        ulong source = 42, target = 0;
        var local = stackalloc nint[2] { (nint)(&target), sizeof(ulong) };
        var remote = stackalloc nint[2] { (nint)(&source), sizeof(ulong) };
        var result = HostCalls.Call(ProcessVmReadv, Environment.ProcessId, (nint)local, 1, (nint)remote, 1);
        return result == sizeof(ulong) && target == 42
            ? new("process-vm-readv", CheckOutcome.Ok, "process_vm_readv works")
            : new("process-vm-readv", CheckOutcome.Warning, $"process_vm_readv fails ({HostCalls.ErrorName((int)-result)})",
                "reports lack backtraces and contents; allow it in the sandbox that forbids it (docker: --cap-add SYS_PTRACE).");
    }

    private static SystemCheck Yama()
    {
        const string path = "/proc/sys/kernel/yama/ptrace_scope";
        if (!File.Exists(path)) return new("ptrace-scope", CheckOutcome.Ok, "Yama is not there");
        var scope = File.ReadAllText(path).Trim();
        return scope is "0" or "1"
            ? new("ptrace-scope", CheckOutcome.Ok, scope == "0" ? "0: own processes" : "1: own children")
            : new("ptrace-scope", CheckOutcome.Warning, scope,
                "the coordinator may not read a server's memory, so reports lack backtraces; set kernel.yama.ptrace_scope to 0 or 1.");
    }
}
