using System.Runtime.InteropServices;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Resuming;

/// <summary>What a main loop was called with. A parameter that its code needs no longer where it waits is not kept; debug information says then that it is
/// what it was at the function's entry, and of main's call what that passed.</summary>
/// <param name="debug">The version's debug information.</param>
/// <param name="place">The main loop's frame.</param>
/// <param name="image">Where the version is.</param>
/// <param name="file">Its file.</param>
/// <param name="process">The process.</param>
internal sealed class EntryRegisters(DebugFile debug, MainLoopFrame place, LinkedImage image, ElfFile file, IUpdatedProcess process)
{
    private static readonly ulong[] _order = [5, 4, 1, 2, 8, 9]; // rdi, rsi, rdx, rcx, r8, r9

    private readonly Lazy<IReadOnlyDictionary<ulong, LibDw.Operation[]>> _passed = new(() => place.Main is { } main && debug.FunctionsAt(main.Value).FirstOrDefault() is { } caller
        ? debug.PassedAt(caller, place.Caller.Address - image.Base) : new Dictionary<ulong, LibDw.Operation[]>());

    /// <summary>A register's value at the entry, by DWARF's number; null: not known.</summary>
    internal ulong? At(ulong register)
    {
        if (place.Main is not { } main) return Begun(register);
        if (!_passed.Value.TryGetValue(register, out var operations) || debug.FunctionsAt(main.Value).FirstOrDefault() is not { } caller) return null;
        var layout = debug.LayoutOf(caller, place.Caller.Address - image.Base - 1);
        if (place.CallerCanonical == 0) layout = layout with { Base = null };
        return new FrameValues(process, place.Caller, place.CallerCanonical, layout, AddressOf, OfMain).ValueOf(operations);
    }

    /// <summary>Main was called with argc, argv and envp.</summary>
    private ulong? OfMain(ulong register)
    {
        try
        {
            return Array.IndexOf(_order, register) is >= 0 and < 3 and var number ? MainFunction.Arguments(process)[number] : null;
        }
        catch (UpdateRefusedException)
        {
            return null; // the kernel doesn't tell
        }
    }

    /// <summary>Where a variable or function is, which may be in the image of an earlier version.</summary>
    internal ulong AddressOf(ulong linked) =>
        file.Symbols.FirstOrDefault(s => s is { IsDefined: true, Kind: SymbolKind.Data or SymbolKind.Function } && linked >= s.Value && (linked < s.End || linked == s.Value)) is { } symbol
            ? image.AddressOf(symbol) + (linked - symbol.Value) : image.Base + linked;

    /// <summary>An update has begun the function: its address and its arguments stand at the far end of the stack (native/shim/update/tasks.c, resume).</summary>
    private ulong? Begun(ulong register)
    {
        if (Array.IndexOf(_order, register) is not (>= 0 and var number)) return null;
        Span<ulong> words = stackalloc ulong[7];
        process.Read(place.StackStart, MemoryMarshal.AsBytes(words));
        return words[0] == image.Base + place.Function.Value ? words[1 + number] : null;
    }
}
