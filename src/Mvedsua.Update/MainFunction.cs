using System.Buffers.Binary;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update;

/// <summary>Where a new version goes on without a word in a description: at main, of a program that asks there whether it is being updated.</summary>
public static class MainFunction
{
    private const string Asks = "mvedsua_is_updating";

    /// <summary>Does the program know of updates? One that doesn't would begin with an empty state.</summary>
    public static bool Resumes(ElfFile file) => file.DynamicSymbols.Any(s => s.Name == Asks && !s.IsDefined) && Find(file) is not null;

    /// <summary>Its call, with the arguments that the process was started with (System V ABI: argc, argv and envp stand at the initial stack pointer).</summary>
    internal static Step Step(ElfFile file, LinkedImage image, IUpdatedProcess process) => new(image.Base + Find(file)!.Value, Arguments(process));

    /// <summary>argc, argv and envp.</summary>
    internal static ulong[] Arguments(IUpdatedProcess process)
    {
        ulong stack = process.InitialStack;
        if (stack == 0) throw new UpdateRefusedException("where the program's arguments are the kernel doesn't tell (/proc/PID/stat): name the function of its main loop in a description");
        Span<byte> word = stackalloc byte[8];
        process.Read(stack, word);
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(word);
        return [count, stack + 8, stack + 8 * (count + 2)];
    }

    private static ElfSymbol? Find(ElfFile file) => file.Symbols.FirstOrDefault(s => s is { Name: "main", IsDefined: true, IsLocal: false, Kind: SymbolKind.Function });
}
