using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>What an instruction does with the address that it names.</summary>
internal enum CodeUse
{
    /// <summary>Goes there: a call or jump.</summary>
    Branch,

    /// <summary>Reads or writes there.</summary>
    Access,

    /// <summary>Takes the address (lea).</summary>
    Address,
}

/// <summary>An address that an instruction names relative to itself, or to the global offset table.</summary>
/// <param name="Relocation">What the linker was told of it; none (symbol 0) when the assembler resolved it.</param>
/// <param name="At">Where its bytes stand, as linked.</param>
/// <param name="Instruction">Where the instruction begins.</param>
/// <param name="Anchor">What the value is relative to: the end of the instruction, or the global offset table.</param>
/// <param name="Width">Of the value: 4 or 8 bytes, signed.</param>
/// <param name="Target">What it names, as linked: read from the bytes, not from the relocation, because the linker may have replaced
/// the instruction by a shorter way.</param>
/// <param name="Use">What is done with it.</param>
internal readonly record struct CodeReference(
    ElfRelocation Relocation, ulong At, ulong Instruction, ulong Anchor, int Width, ulong Target, CodeUse Use);
