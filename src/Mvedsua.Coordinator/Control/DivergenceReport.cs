namespace Mvedsua.Coordinator.Control;

/// <summary>One published or attempted call, decoded by the call table.</summary>
/// <param name="Version">0 or 1: whose event it is.</param>
/// <param name="Thread">Logical thread id.</param>
/// <param name="Sequence">Number of the event within its log.</param>
/// <param name="Call">Name of the call, or of a pseudo event such as "signal".</param>
/// <param name="Arguments">Each argument as text, strings quoted and shortened.</param>
/// <param name="Result">As the program saw it: a value, or -errno. Null while the call is still to be made.</param>
/// <param name="Error">Name of the error ("EAGAIN") when the result is one.</param>
public sealed record TraceEvent(
    int Version,
    int Thread,
    long Sequence,
    string Call,
    IReadOnlyList<string> Arguments,
    long? Result,
    string? Error)
{
    /// <summary>The event in strace's notation: <c>read(7, "PING\r\n", 16384) = 6</c>.</summary>
    public override string ToString()
    {
        var text = $"{Call}({string.Join(", ", Arguments)})";
        return Result switch
        {
            null => text + " …",
            _ when Error is not null => $"{text} = -1 {Error}",
            _ => $"{text} = {Result}",
        };
    }
}

/// <summary>One side of a divergence.</summary>
/// <param name="Calls">Calls up to and including the diverging one, oldest first.</param>
/// <param name="Backtrace">Symbolised frames of the diverging thread, innermost first.</param>
public sealed record DivergenceSide(IReadOnlyList<TraceEvent> Calls, IReadOnlyList<string> Backtrace);

/// <summary>The first difference between the two sides.</summary>
/// <param name="Where">"call", "argument fd", "outgoing bytes", …</param>
/// <param name="Offset">Byte offset inside the differing bytes; null when the difference isn't in bytes.</param>
/// <param name="Leader">The leader's value or bytes around the offset, as text.</param>
/// <param name="Follower">The follower's.</param>
public sealed record FirstDifference(string Where, long? Offset, string Leader, string Follower);

/// <summary>The rules between two versions of which the follower was ended.</summary>
/// <param name="File">The file that holds them.</param>
/// <param name="Tried">Why each did not apply, in the order in which they were tried; what earlier rules had stored or begun is not known
/// to it.</param>
public sealed record RulesInForce(string File, IReadOnlyList<string> Tried);

/// <summary>Why a follower was ended, as <c>report NAME --json</c> prints it.</summary>
/// <param name="Session">The session's name.</param>
/// <param name="When">When the follower was parked.</param>
/// <param name="Reason">Stable name of the reason, such as "different-call" or "different-bytes".</param>
/// <param name="Summary">The reason as one sentence.</param>
/// <param name="Thread">Logical id of the thread that met it.</param>
/// <param name="Difference">The first difference; null when the reason isn't a difference.</param>
/// <param name="Leader">The leader's side.</param>
/// <param name="Follower">The follower's side.</param>
/// <param name="Causes">What could have caused it, likeliest first.</param>
/// <param name="Rules">The rules that did not reconcile the two; null: there were none.</param>
public sealed record DivergenceReport(
    string Session,
    DateTimeOffset When,
    string Reason,
    string Summary,
    int Thread,
    FirstDifference? Difference,
    DivergenceSide Leader,
    DivergenceSide Follower,
    IReadOnlyList<string> Causes,
    RulesInForce? Rules = null);
