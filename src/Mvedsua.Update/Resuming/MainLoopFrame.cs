using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Resuming;

/// <summary>The frame of the function below main.</summary>
/// <param name="Function">The function.</param>
/// <param name="Frame">Its frame.</param>
/// <param name="At">Where it goes on, as linked.</param>
/// <param name="Canonical">Its canonical frame address: where its caller's frame begins.</param>
/// <param name="Innermost">The stack pointer of the innermost frame.</param>
/// <param name="Caller">Main's frame, or the shim's where an update has begun the function.</param>
/// <param name="Main">Main; null: an update has begun it.</param>
/// <param name="CallerCanonical">The canonical frame address of the caller's; 0: not known.</param>
/// <param name="StackStart">Where the stack's memory begins.</param>
internal sealed record MainLoopFrame(
    ElfSymbol Function, CallFrame Frame, ulong At, ulong Canonical, ulong Innermost, CallFrame Caller, ElfSymbol? Main, ulong CallerCanonical, ulong StackStart)
{
    private const string Shim = "libmvedsua.so";

    /// <summary>Finds it among the frames of a main thread.</summary>
    /// <param name="image">Where the version is that runs.</param>
    /// <param name="file">Its file.</param>
    /// <param name="all">The frames, the innermost first.</param>
    /// <param name="mappings">What is mapped in the process.</param>
    /// <param name="why">Why there is none.</param>
    internal static MainLoopFrame? Find(LinkedImage image, ElfFile file, IReadOnlyList<CallFrame> all, IReadOnlyList<Mapping> mappings, out string? why)
    {
        var frames = OfOneStack(all, mappings);
        if (frames.Skip(1).Any(f => f.IsInterrupted))
        {
            why = "the main thread stands in a signal handler";
            return null;
        }

        var own = image.Images[^1];
        var functions = frames.Select(f => f.Address > own.Start && f.Address <= own.End ? FunctionAt(file, f.Address - 1 - own.Base) : null).ToList();
        // The outermost one. (A program may call its main.)
        var main = functions.FindLastIndex(f => f?.Name == "main");
        if (main < 0)
        {
            // Or what an update has begun in its place: the shim calls it.
            main = functions.FindLastIndex(f => f is not null) + 1;
            var isBegun = main > 0 && main < frames.Count && mappings.FirstOrDefault(m => frames[main].Address - 1 >= m.Start && frames[main].Address - 1 < m.End) is { Name: { } name }
                && Path.GetFileName(name.Replace(" (deleted)", "", StringComparison.Ordinal)) == Shim;
            if (!isBegun)
            {
                why = "the frames of the main thread don't lead from the call in which it waits to main";
                return null;
            }
        }

        // A system call's own function may be several of libc's.
        if (frames.Take(main).All(f => NameOf(mappings, f.Address) == NameOf(mappings, frames[0].Address)) && functions.Take(main).All(f => f is null))
        {
            why = "main itself makes the call in which the main thread waits";
            return null;
        }

        if (functions[main - 1] is not { } function)
        {
            why = $"main waits in a function that is not the program's own ({NameOf(mappings, frames[main - 1].Address)})";
            return null;
        }

        // main() { for (;;) turn(); }: it returns, and main would have called it anew.
        if (functions[main] is { } caller && LoopCode.ComesAgain(file, caller, frames[main].Address - own.Base))
        {
            why = $"main itself has the loop: it may call {function.Name}(), in which the main thread waits, again";
            return null;
        }

        why = null;
        return new MainLoopFrame(function, frames[main - 1], frames[main - 1].Address - own.Base, frames[main].StackPointer, frames[0].StackPointer, frames[main],
            functions[main], main + 1 < frames.Count ? frames[main + 1].StackPointer : 0, mappings.First(m => frames[0].StackPointer >= m.Start && frames[0].StackPointer < m.End).Start);
    }

    /// <summary>Up to where the stack ends. Where an update has begun the program on a stack of its own, what lies above it is the shim's, and of other times.</summary>
    private static List<CallFrame> OfOneStack(IReadOnlyList<CallFrame> frames, IReadOnlyList<Mapping> mappings)
    {
        if (frames.Count == 0 || mappings.FirstOrDefault(m => frames[0].StackPointer >= m.Start && frames[0].StackPointer < m.End) is not { End: > 0 } stack) return [];
        var last = 0ul;
        return [.. frames.TakeWhile(f => f.StackPointer >= stack.Start && f.StackPointer <= stack.End && f.StackPointer >= last && (last = f.StackPointer) > 0)];
    }

    private static ElfSymbol? FunctionAt(ElfFile file, ulong address) => file.Symbols
        .Where(s => s is { IsDefined: true, Kind: SymbolKind.Function, Size: > 0 } && address >= s.Value && address < s.End)
        .OrderBy(s => s.Name.Contains('.', StringComparison.Ordinal)).ThenBy(s => s.IsLocal).FirstOrDefault();

    private static string NameOf(IReadOnlyList<Mapping> mappings, ulong address) =>
        mappings.FirstOrDefault(m => address >= m.Start && address < m.End) is { Name.Length: > 0 } mapping ? $"it is in {Path.GetFileName(mapping.Name)}" : "it is in no file";
}
