namespace Mvedsua.Coordinator.Reports.Backtraces;

/// <summary>One frame of a backtrace, the innermost first.</summary>
/// <param name="Address">Where execution stands, or goes on after the call.</param>
/// <param name="Module">File name of the executable or library; null when the address lies in none.</param>
/// <param name="Symbol">Function, as the symbol table spells it; null when unknown.</param>
/// <param name="Offset">Bytes behind the start of the symbol, or of the module when there is none.</param>
/// <param name="Source">file:line when debug information is there.</param>
public sealed record StackFrame(ulong Address, string? Module, string? Symbol, ulong Offset, string? Source)
{
    /// <summary>"readQueryFromClient+0x5c in redis-server (networking.c:2600)".</summary>
    public override string ToString()
    {
        string place = Module is null ? $"0x{Address:x}"
            : Symbol is null ? $"{Module}+0x{Offset:x}" : $"{Symbol}+0x{Offset:x} in {Module}";
        return Source is null ? place : $"{place} ({Source})";
    }
}

/// <summary>A backtrace, or why there is none.</summary>
/// <param name="Frames">The innermost first; may be empty.</param>
/// <param name="Problem">Why the backtrace is missing or stops early; null when it is complete.</param>
public sealed record Backtrace(IReadOnlyList<StackFrame> Frames, string? Problem);
