using System.Runtime.InteropServices;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Replication.Measuring;

/// <summary>SIGINT and SIGTERM: the first ends what the bench has started, so that the measurement at hand fails and what was measured is kept; the second ends
/// the bench as well.</summary>
internal static class Interruption
{
    private static int _signals;

    internal static bool Requested => Volatile.Read(ref _signals) > 0;

    /// <summary>After a signal nothing new is started.</summary>
    internal static void ThrowIfRequested()
    {
        if (Requested) throw new BenchException("interrupted");
    }

    /// <summary>Until disposed.</summary>
    internal static IDisposable Watch() => new Registrations(
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle));

    private static void Handle(PosixSignalContext context)
    {
        var first = Interlocked.Increment(ref _signals) == 1;
        context.Cancel = first;
        foreach (var process in ProcessTree.Under(Environment.ProcessId).Skip(1)) Signals.TrySend(process.Pid, first ? Signals.Term : Signals.Kill);
    }

    private sealed record Registrations(PosixSignalRegistration Interrupt, PosixSignalRegistration Terminate) : IDisposable
    {
        public void Dispose()
        {
            Interrupt.Dispose();
            Terminate.Dispose();
        }
    }
}
