using System.Globalization;
using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Signals that a leader was sent and had not taken when it died: pending in it, because they were blocked or because it was
/// about to die. They go to whoever leads next; if nobody does, they were for nobody.</summary>
internal sealed class HeldSignals(Func<int, ulong>? pending = null, Func<int, int, int>? send = null)
{
    private const ulong KillBit = 1ul << (Signals.Kill - 1);

    private readonly Func<int, ulong> _pending = pending ?? Pending;
    private readonly Func<int, int, int> _send = send ?? ((pid, signal) => Libc.Kill(pid, signal) == 0 ? 0 : Marshal.GetLastPInvokeError());
    private ulong _held;

    /// <summary>Those that were pending in a leader that has died. Only what operators send: the rest means something to that process alone.</summary>
    internal void Add(ulong signals) => _held |= signals & SignalForwarder.Mask;

    /// <summary>Sends a signal to the leader; held, if that one can't take it any more. False: it may not be sent.</summary>
    internal bool Send(int leader, int signal)
    {
        int error = _send(leader, signal);
        if (error == Libc.ESRCH || (error == 0 && IsDying(leader))) Add(1ul << (signal - 1));
        return error is 0 or Libc.ESRCH;
    }

    /// <summary>Sends what is held to the leader, unless that is still the dead one.</summary>
    internal void Release(int leader)
    {
        if (_held == 0 || IsDying(leader)) return;
        ulong held = _held;
        _held = 0;
        for (int signal = 1; signal <= 64; signal++)
            if ((held >> (signal - 1) & 1) != 0) _ = Send(leader, signal);
    }

    private bool IsDying(int pid) => (_pending(pid) & KillBit) != 0;

    /// <summary>The signals that wait in a process, also in one that has ended and was not waited for (proc(5)). SIGKILL waits in each that is
    /// being killed, has ended, or is gone.</summary>
    internal static ulong Pending(int pid)
    {
        ulong pending = 0;
        try
        {
            foreach (string line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")))
            {
                if (line.StartsWith("State:\tZ", StringComparison.Ordinal) || line.StartsWith("State:\tX", StringComparison.Ordinal)) pending |= KillBit;
                if (line.StartsWith("SigPnd:", StringComparison.Ordinal) || line.StartsWith("ShdPnd:", StringComparison.Ordinal))
                    pending |= ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            pending |= KillBit;
        }

        return pending;
    }
}
