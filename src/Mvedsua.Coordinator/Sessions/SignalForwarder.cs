using System.Runtime.InteropServices;
using Mvedsua.Coordinator.Interop;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Takes the signals that an operator sends to `mvedsua run` and means for the server.</summary>
internal sealed class SignalForwarder : IDisposable
{
    private const int Hup = 1, Int = 2, Quit = 3, Usr1 = 10, Usr2 = 12, Term = 15, Cont = 18, Winch = 28;
    private static readonly int[] Forwarded = [Hup, Int, Quit, Usr1, Usr2, Term, Cont, Winch];

    /// <summary>The same as bits.</summary>
    internal static ulong Mask { get; } = Forwarded.Aggregate(0ul, (mask, signal) => mask | 1ul << (signal - 1));

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly List<int> _early = [];
    private readonly Lock _lock = new();
    private readonly int _terminal;
    private Session? _session;

    /// <summary>Takes them from now on, and keeps them until <see cref="Connect"/>: nobody who hears the server must find
    /// a coordinator that a signal still kills.</summary>
    internal SignalForwarder()
    {
        _terminal = Libc.Open("/dev/tty", Libc.O_RDONLY | Libc.O_NOCTTY | Libc.O_CLOEXEC, 0);
        foreach (int signal in Forwarded)
        {
            /* A signal that our parent told us to ignore (nohup) stays ignored here and in the server. */
            if ((InheritedSignals.Ignored >> (signal - 1) & 1) != 0) continue;
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                Take(signal);
            }));
        }
    }

    /// <summary>From now on they go to that session, those that came before first.</summary>
    internal void Connect(Session session)
    {
        lock (_lock)
        {
            _session = session;
            foreach (int signal in _early) session.Post(new SessionEvent.SignalArrived(signal));
        }
    }

    private void Take(int signal)
    {
        lock (_lock)
        {
            if (_session is null) _early.Add(signal);
            else if (!ComesFromSharedTerminal(signal, _session.LeaderPid)) _session.Post(new SessionEvent.SignalArrived(signal));
        }
    }

    /// <summary>Whether the terminal has sent this signal to the server already: it sends Ctrl-C, Ctrl-\ and size
    /// changes to the whole foreground process group, of which the server is a member as we are. (The sender itself
    /// can't be asked: the runtime's handler doesn't keep siginfo.)</summary>
    private bool ComesFromSharedTerminal(int signal, int leader)
    {
        if (signal is not (Int or Quit or Winch) || _terminal < 0) return false;
        int group = Libc.Getpgrp();
        return Libc.Tcgetpgrp(_terminal) == group && Libc.Getpgid(leader) == group;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        if (_terminal >= 0) _ = Libc.Close(_terminal);
    }
}
