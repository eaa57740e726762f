namespace Mvedsua.Coordinator.Sessions;

/// <summary>How a process ended: a wait status (wait(2)).</summary>
/// <param name="Raw">The status as the kernel gives it.</param>
public readonly record struct WaitStatus(int Raw)
{
    /// <summary>The signal that killed it; 0 when it exited.</summary>
    public int Signal => Raw & 0x7f;

    /// <summary>What a shell would show: the exit code, or 128 + the signal.</summary>
    public int Code => Signal == 0 ? (Raw >> 8) & 0xff : 128 + Signal;

    /// <summary>"exit status 1" or "SIGKILL".</summary>
    public override string ToString() => Signal == 0 ? $"exit status {Code}" : SignalName(Signal);

    /// <summary>The signal's name (signal(7)).</summary>
    public static string SignalName(int signal)
    {
        if (signal is <= 0 or > 64) return $"signal {signal}";
        if (signal is >= 32 and <= 64) return signal == 34 ? "SIGRTMIN" : $"SIGRTMIN{signal - 34:+0;-0}";
        return "SIG" + Names.Split(' ')[signal - 1];
    }

    private const string Names = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD "
        + "CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";
}
