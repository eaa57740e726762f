using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Takes the signals that an operator sends to `mvedsua run` and means for the server.</summary>
internal sealed class SignalForwarder : IDisposable
{
    private const int Hup = 1, Int = 2, Quit = 3, Usr1 = 10, Usr2 = 12, Term = 15, Cont = 18, Winch = 28;
    private static readonly int[] Forwarded = [Hup, Int, Quit, Usr1, Usr2, Term, Cont, Winch];
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Func<int> _leader;
    private readonly int _terminal;

    /// <param name="post">Gets <see cref="SessionEvent.SignalArrived"/>; called on a thread of the runtime.</param>
    /// <param name="leader">Who leads now.</param>
    internal SignalForwarder(Action<SessionEvent> post, Func<int> leader)
    {
        _leader = leader;
        _terminal = Libc.Open("/dev/tty", Libc.O_RDONLY | Libc.O_NOCTTY | Libc.O_CLOEXEC, 0);
        foreach (int signal in Forwarded)
        {
            /* A signal that our parent told us to ignore (nohup) stays ignored here and in the server. */
            if ((InheritedSignals.Ignored >> (signal - 1) & 1) != 0) continue;
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                if (!ComesFromSharedTerminal(signal)) post(new SessionEvent.SignalArrived(signal));
            }));
        }
    }

    /// <summary>Whether the terminal has sent this signal to the server already: it sends Ctrl-C, Ctrl-\ and size
    /// changes to the whole foreground process group, of which the server is a member as we are. (The sender itself
    /// can't be asked: the runtime's handler doesn't keep siginfo.)</summary>
    private bool ComesFromSharedTerminal(int signal)
    {
        if (signal is not (Int or Quit or Winch) || _terminal < 0) return false;
        int group = Libc.Getpgrp();
        return Libc.Tcgetpgrp(_terminal) == group && Libc.Getpgid(_leader()) == group;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        if (_terminal >= 0) _ = Libc.Close(_terminal);
    }
}
