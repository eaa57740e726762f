using System.Buffers.Binary;

namespace Mvedsua.Abi.Elf;

/// <summary>
/// The ELF header, checked as strictly as the kernel's loader does. libelf is laxer: it opens files whose tables lie
/// outside them.
/// </summary>
internal readonly record struct ElfHeader(ushort Type, ulong Entry, int ProgramHeaders)
{
    internal const int Size = 64;
    internal const ushort Executable = 2; // ET_EXEC
    internal const ushort SharedObject = 3; // ET_DYN

    private const int ProgramHeaderSize = 56;
    private const int MostProgramHeaders = 65536 / ProgramHeaderSize; // load_elf_phdrs() in fs/binfmt_elf.c

    internal static ElfHeader Parse(ReadOnlySpan<byte> bytes, long fileSize)
    {
        if (bytes.Length < 4 || !bytes[..4].SequenceEqual("\u007fELF"u8))
            throw new ElfException(ElfProblem.NotElf, "it is not an ELF file");
        if (bytes.Length < 20) throw Corrupt("it ends inside its ELF header");
        if (bytes[4] == 1) throw new ElfException(ElfProblem.Not64Bit, "it is a 32-bit program");
        if (bytes[4] != 2) throw Corrupt($"its ELF class is {bytes[4]}");
        var machine = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]);
        if (bytes[5] == 2 || (bytes[5] == 1 && machine != 62))
            throw new ElfException(ElfProblem.OtherMachine, $"it is built for {MachineName(bytes[5], machine)}");
        if (bytes[5] != 1 || bytes[6] != 1) throw Corrupt("its byte order or ELF version is unknown");
        if (bytes.Length < Size) throw Corrupt("it ends inside its ELF header");

        var type = BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]);
        if (type is not (Executable or SharedObject))
            throw new ElfException(ElfProblem.OtherType, "it is an object file or a core dump, not a program");
        var table = BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]);
        var entrySize = BinaryPrimitives.ReadUInt16LittleEndian(bytes[54..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[56..]);
        if (entrySize != ProgramHeaderSize || count == 0 || count > MostProgramHeaders)
            throw Corrupt($"its program header table has {count} entries of {entrySize} bytes");
        if (table > (ulong)fileSize || (ulong)count * ProgramHeaderSize > (ulong)fileSize - table)
            throw Corrupt("its program headers lie outside the file");
        return new ElfHeader(type, BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), count);
    }

    internal static ElfException Corrupt(string what) => new(ElfProblem.Corrupt, what);

    private static string MachineName(byte order, ushort machine) =>
        order == 2 ? "a big-endian processor" : machine switch
        {
            3 => "32-bit x86",
            40 => "32-bit ARM",
            183 => "64-bit ARM",
            243 => "RISC-V",
            258 => "LoongArch",
            _ => $"another processor (ELF machine {machine})",
        };
}
