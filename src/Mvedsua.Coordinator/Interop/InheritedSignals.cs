using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mvedsua.Coordinator.Interop;

/// <summary>What this process was given by its parent: the signals that it was told to ignore (nohup) and its mask.
/// A server must be given the same; the .NET runtime changes dispositions, so they are read before anything
/// registers a handler.</summary>
public static class InheritedSignals
{
    private const int Sigpipe = 13;
    private static readonly (ulong Ignored, ulong Blocked) Values = Read();

    /// <summary>Bit n-1 is set when signal n was ignored at start (signal(7)). SIGPIPE, which the runtime
    /// itself ignores, counts as not ignored.</summary>
    public static ulong Ignored => Values.Ignored;

    /// <summary>Bit n-1 is set when signal n was blocked in the main thread at start.</summary>
    public static ulong Blocked => Values.Blocked;

    /// <summary>Reads them now. To be called first in Main: later a handler may already stand where SIG_IGN was.</summary>
    public static void Capture() => RuntimeHelpers.RunClassConstructor(typeof(InheritedSignals).TypeHandle);

    private static (ulong, ulong) Read()
    {
        ulong ignored = 0, blocked = 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("SigIgn:", StringComparison.Ordinal)) ignored = Mask(line);
            if (line.StartsWith("SigBlk:", StringComparison.Ordinal)) blocked = Mask(line);
        }
        return (ignored & ~(1ul << (Sigpipe - 1)), blocked);

        static ulong Mask(string line) => ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber,
            CultureInfo.InvariantCulture);
    }
}
