using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tracing;

/// <summary>Makes a <see cref="TraceEvent"/> of an event: system calls by the call table, what is no call under a name
/// of its own. No state; safe from any thread.</summary>
internal static class EventDecoder
{
    private const int Mistake = 4095; /* results from -4095 to -1 are errors (syscalls(2)) */

    /// <param name="version">Whose event.</param>
    /// <param name="thread">Logical thread id.</param>
    /// <param name="view">The event, still in its log.</param>
    internal static TraceEvent Decode(int version, int thread, in EventView view) => Decode(version, thread,
        view.Sequence, view.Call, view.Args, view.Result, view.InPayload, view.OutPayload, CallFormatOptions.Default);

    /// <summary>As above, of parts; <paramref name="result"/> null: a call that was not made; <paramref name="isCut"/>: the payloads end where
    /// a copy was cut off.</summary>
    internal static TraceEvent Decode(int version, int thread, ulong sequence, ushort call, ReadOnlySpan<ulong> args,
        long? result, ReadOnlySpan<byte> inPayload, ReadOnlySpan<byte> outPayload, CallFormatOptions options, bool isCut = false)
    {
        if (call >= (ushort)MvPseudoCall.Jump)
            return new TraceEvent(version, thread, (long)sequence, PseudoName(call, args), PseudoArguments(call, args),
                (MvPseudoCall)call == MvPseudoCall.Order ? result : null, null);
        var e = new CallEvent
        {
            Number = call, Arguments = args, Result = result, InPayload = inPayload, OutPayload = outPayload, IsCut = isCut,
        };
        var arguments = CallFormatter.Arguments(e, options).Select(a => a.Text).ToList();
        bool failed = result is < 0 and >= -Mistake;
        return new TraceEvent(version, thread, (long)sequence, CallFormatter.NameOf(call), arguments, result,
            failed ? CallFormatter.ErrorName(result!.Value) : null);
    }

    private static string PseudoName(ushort call, ReadOnlySpan<ulong> args) => (MvPseudoCall)call switch
    {
        MvPseudoCall.Signal => "signal",
        MvPseudoCall.Order => OrderName((MvOrderKind)args[0]),
        MvPseudoCall.Death => "death",
        MvPseudoCall.Role => "role",
        _ => string.Create(CultureInfo.InvariantCulture, $"event_{call:x}"),
    };

    /// <summary>Several pthread functions do the same to an object: the name says what, not which.</summary>
    private static string OrderName(MvOrderKind kind) => kind switch
    {
        MvOrderKind.Lock => "lock",
        MvOrderKind.Trylock => "trylock",
        MvOrderKind.Wait => "condition_wait",
        MvOrderKind.Read => "read_lock",
        MvOrderKind.Write => "write_lock",
        MvOrderKind.Semaphore => "semaphore_wait",
        MvOrderKind.Barrier => "barrier_wait",
        MvOrderKind.Once => "once",
        MvOrderKind.Figure => "mallctl",
        _ => "order",
    };

    private static List<string> PseudoArguments(ushort call, ReadOnlySpan<ulong> args)
    {
        switch ((MvPseudoCall)call)
        {
            case MvPseudoCall.Order:
                return args[3] == 0 && args[2] == 0 ? [$"0x{args[1]:x}"] // not made: it has no turn yet
                    : [$"0x{args[1]:x}", string.Create(CultureInfo.InvariantCulture, $"turn {args[3]} of clock {args[2]}")];
            case MvPseudoCall.Signal:
                return [WaitStatus.SignalName((int)args[0])];
            case MvPseudoCall.Death:
                return [WaitStatus.SignalName((int)args[0]), $"address=0x{args[1]:x}", $"instruction=0x{args[2]:x}"];
            case MvPseudoCall.Role:
                return [Reasons.Name((MvReason)args[0])];
            default:
                var list = new List<string>();
                foreach (ulong argument in args) list.Add($"0x{argument:x}");
                while (list.Count > 1 && list[^1] == "0x0") list.RemoveAt(list.Count - 1);
                return list;
        }
    }
}
