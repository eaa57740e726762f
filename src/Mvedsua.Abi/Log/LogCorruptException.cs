namespace Mvedsua.Abi;

/// <summary>An event log is damaged, or not the one that was asked for. Nothing outside the log was touched; the
/// reader says the same again whenever it is asked.</summary>
public sealed class LogCorruptException : Exception
{
    public LogCorruptException(MvLogFault fault) : base(Describe(fault)) => Fault = fault;

    public LogCorruptException() : this(MvLogFault.None)
    {
    }

    public LogCorruptException(string message) : base(message)
    {
    }

    public LogCorruptException(string message, Exception innerException) : base(message, innerException)
    {
    }

    public MvLogFault Fault { get; }

    /// <summary>The same words as mv_log_fault_text().</summary>
    public static string Describe(MvLogFault fault) => fault switch
    {
        MvLogFault.BadMagic => "this is no event log (magic number)",
        MvLogFault.BadAbi => "the log has another ABI version",
        MvLogFault.BadRecordSize => "the log has records of another layout",
        MvLogFault.BadHeader => "the log's header is damaged (check)",
        MvLogFault.BadVersion => "the log belongs to the other version",
        MvLogFault.BadSlot => "the log belongs to another thread",
        MvLogFault.BadGeneration => "the log belongs to another publishing session",
        MvLogFault.BadLimit => "the log's limit is impossible",
        MvLogFault.BadStart => "the log's start is impossible",
        MvLogFault.Truncated => "the log's memory is shorter than its header says",
        MvLogFault.BadCursor => "a reader's cursor stands where no record can",
        MvLogFault.BadReader => "no such reader",
        MvLogFault.BadPublished => "the published offset is impossible",
        MvLogFault.BadHigh => "the upper end of the chunks in use is impossible",
        MvLogFault.Backwards => "the published offset went backwards",
        MvLogFault.BadOffset => "a record's offset is impossible",
        MvLogFault.BadCheck => "a record's header is damaged (check)",
        MvLogFault.BadSize => "a record's size is impossible",
        MvLogFault.BadPayload => "a record's payload sizes are impossible",
        MvLogFault.BadSequence => "another record stands where the next one should (sequence number)",
        MvLogFault.BadJump => "a jump to where no record stands",
        _ => "no fault",
    };
}
