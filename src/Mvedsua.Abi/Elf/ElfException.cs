namespace Mvedsua.Abi.Elf;

/// <summary>What is wrong with a file that was taken for an ELF program or library.</summary>
public enum ElfProblem
{
    /// <summary>Not an ELF file at all.</summary>
    NotElf,

    /// <summary>ELF, but not 64-bit.</summary>
    Not64Bit,

    /// <summary>For another processor, or big-endian.</summary>
    OtherMachine,

    /// <summary>Neither an executable nor a shared object: an object file or a core dump.</summary>
    OtherType,

    /// <summary>Truncated, or its headers contradict each other or the file's size.</summary>
    Corrupt,
}

/// <summary>The file isn't an x86-64 ELF program or library; the message says what is wrong, without the file's name.</summary>
public sealed class ElfException(ElfProblem problem, string message) : Exception(message)
{
    /// <summary>What kind of problem.</summary>
    public ElfProblem Problem { get; } = problem;
}
