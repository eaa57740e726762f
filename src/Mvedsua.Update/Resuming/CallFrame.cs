namespace Mvedsua.Update;

/// <summary>A frame of a thread that stands still.</summary>
/// <param name="Address">Where it goes on: of the innermost one behind its system call, of the others behind their call.</param>
/// <param name="Registers">As they are when the frame is returned to, by DWARF's numbers for x86-64 (psABI 3.6.2: rax rdx rcx rbx rsi rdi rbp rsp
/// r8 … r15); null: whatever it has called may have changed it.</param>
/// <param name="IsInterrupted">A signal came there: it stands behind no call.</param>
public sealed record CallFrame(ulong Address, IReadOnlyList<ulong?> Registers, bool IsInterrupted)
{
    /// <summary>The stack pointer; 0: not known.</summary>
    public ulong StackPointer => Registers[7] ?? 0;
}
