using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>How an address is used where it stands.</summary>
internal enum TargetUse
{
    /// <summary>Read or written there, in code.</summary>
    Access,

    /// <summary>Taken by code, which may be after its end as well as after its beginning.</summary>
    Taken,

    /// <summary>Stored in data.</summary>
    Stored,
}

/// <summary>A reference, as linked.</summary>
/// <param name="Target">Where it leads.</param>
/// <param name="Use">How it is used.</param>
/// <param name="Follow">Looks what the code does with an address taken.</param>
/// <param name="Where">For messages.</param>
/// <param name="Function">The beginning of the function that it stands in; null: of none that is known.</param>
internal readonly record struct Reference(ulong Target, TargetUse Use, Func<PointerUse> Follow, Func<string> Where, ulong? Function = null);

/// <summary>
/// Finds to what a reference is bound. References to exported symbols name them; those to local ones name only a section and a distance, so
/// that the object has to be found by address, among the local ones of its own source file. Where one ends as another begins, and the two live at different places, types
/// and what the code does with the address decide; where they say nothing, it is a refusal: a wrong guess would be silent corruption.
/// </summary>
internal sealed class TargetResolver(ElfFile file, DataObjects objects, Functions functions, Bindings bindings, Constants constants,
    EarlierConstants earlier, ISymbolFacts? facts)
{
    private readonly UnnamedData _unnamed = new(file);

    /// <summary>So many elements in front of an array a compiler may begin: for array[i - 2].</summary>
    private const ulong ElementsInFront = 2;

    /// <summary>How many bytes of what has no name are looked at: of what would begin just where an object ends, and elsewhere.</summary>
    private const ulong AtOnce = 16, Soon = 64;

    /// <summary>The address in the process that a reference is bound to; null when it stays in the image.</summary>
    /// <param name="symbol">What the linker was told.</param>
    /// <param name="reference">It.</param>
    internal ulong? Resolve(ElfSymbol symbol, in Reference reference)
    {
        ulong target = reference.Target;
        if (file.Sections[symbol.Section].IsCode)
            return reference.Use != TargetUse.Access && functions.IsEntry(target) ? bindings.Function(target, symbol) : null;
        if (symbol.Kind == SymbolKind.Section) return BySection(symbol.Section, reference);
        if (symbol.Size > 0) return bindings.Data(objects.StartingAt(symbol.Value), target);
        if (bindings.Mark(symbol) is { } mark) return unchecked(mark + (target - symbol.Value));
        return IsMark(symbol) ? null : bindings.Data(objects.Holding(target), target);
    }

    /// <summary>As above, for an address of which nothing else is known: a slot of the global offset table, which holds the
    /// beginning of something.</summary>
    internal ulong? Resolve(ulong target) => functions.IsEntry(target)
        ? bindings.Function(target, file.Symbols[0])
        : bindings.Data(objects.StartingAt(target), target) ?? bindings.Data(objects.Holding(target), target);

    private ulong? BySection(int section, in Reference reference)
    {
        var (target, use) = (reference.Target, reference.Use);
        var one = objects.LocalAtOrBefore(target, section);
        if (one is not null && target < one.End)
        {
            if (use == TargetUse.Access) return bindings.Data(one, target);
            var ended = target == one.Start && target > 0 ? objects.LocalAtOrBefore(target - 1, section) : null;
            if (ended?.End == target && bindings.Data(ended, target) != bindings.Data(one, target)) return Choose(ended, one, reference);
            return InFrontOfNext(one, section, reference);
        }

        // What has no symbol of its own: literals and tables of constants; in writable memory only data written in assembler.
        if (use == TargetUse.Access) return null;
        var holder = objects.Holding(target);
        var isReadOnly = (one ?? holder ?? objects.LocalAfter(target, section))?.IsReadOnly ?? true;
        if (one is not null && target == one.End)
            return holder is null && (isReadOnly || (use == TargetUse.Taken && StandsUnnamed(target, section, AtOnce))) ? Choose(one, null, reference) : bindings.Data(one, target);
        if (isReadOnly && holder is null) return null;
        return holder is null && IsUnnamed(one, section, reference) ? null : InFrontOfNext(one, section, reference);
    }

    /// <summary>
    /// Whether what stands in writable memory outside of all that has a name is meant: the values of a function's own array, which the
    /// compiler keeps there to copy them from when they hold addresses. They are this version's. Not meant is what only bounds the object before
    /// it, nor what the code indexes or reaches the next object by.
    /// </summary>
    private bool IsUnnamed(DataObject? one, int section, in Reference reference)
    {
        ulong target = reference.Target;
        if (!StandsUnnamed(target, section, Soon)) return false;
        if (reference.Use != TargetUse.Taken) return true;
        var next = objects.LocalAfter(target, section);
        var isFar = next is null || next.Start - target > Reach(next);
        var after = reference.Follow();
        return after.Kind switch
        {
            PointerUseKind.Accessed => IsBetween(one, next, unchecked(target + (ulong)after.Distance)),
            PointerUseKind.Escapes => true,
            PointerUseKind.Bounds or PointerUseKind.Compared => isFar && one is null,
            _ => isFar,
        };
    }

    private static bool IsBetween(DataObject? one, DataObject? next, ulong place) => (one is null || place >= one.End) && (next is null || place < next.Start);

    private bool StandsUnnamed(ulong target, int section, ulong within) =>
        _unnamed.StandsAt(target, Math.Min(objects.LocalAfter(target, section)?.Start ?? file.Sections[section].End, target + within));

    /// <summary>
    /// An address inside an object or behind it, unless the compiler made it for the array that comes next: for array[i - 1], it may take the
    /// address in front of the array and index from there, or count down to it. Such an address is never passed on, so that one which is
    /// passed on is inside.
    /// </summary>
    private ulong? InFrontOfNext(DataObject? one, int section, in Reference reference)
    {
        var (target, use) = (reference.Target, reference.Use);
        var isInside = one is not null && target < one.End;
        var (here, next) = (bindings.Data(one, target), objects.LocalAfter(target, section));
        if (isInside && (next is null || use != TargetUse.Taken || next.Start - target > Reach(next))) return here;
        var inFront = bindings.Data(next, target);
        if (here == inFront || IsOfAnotherFile(next, reference)) return here;
        if (IsOfAnotherFile(one, reference)) return inFront;
        var after = use == TargetUse.Taken ? reference.Follow() : default;
        switch (after.Kind)
        {
            case PointerUseKind.Accessed when next is not null && unchecked((long)target + after.Distance) >= (long)next.Start: return inFront;
            case PointerUseKind.Accessed or PointerUseKind.Escapes when isInside: return here;
            // Elements as large as the index is scaled by stand here, and behind it larger ones, whose index the code multiplies by itself.
            case PointerUseKind.Indexed when isInside && target == one!.Start && after.Scale > 1 && facts?.ElementSizeOf(one.Symbol) == (ulong)after.Scale
                && facts.ElementSizeOf(next!.Symbol) is > 8 and var size && (size & (size - 1)) == 0: return here;
            // What holds no array is not indexed, nor is what is behind an object.
            case PointerUseKind.Indexed when next is not null && next.Start - target <= Reach(next)
                && (!isInside || facts?.ElementSizeOf(one!.Symbol) == 0): return inFront;
        }

        var (first, second) = (one?.Symbol.Name ?? "the start of the section", next?.Symbol.Name ?? "its end");
        throw new UpdateRefusedException(isInside
            ? $"{file.Path}: {reference.Where()} holds an address in {first} that the compiler may have made for {second} behind it, and the two stay at different "
                + "places; which of them is meant can't be told. Declaring the second without `static` makes the linker name it"
            : $"{file.Path}: {reference.Where()} holds an address between {first} and {second}, which stay at different places; which of them is meant can't be told. "
                + "Declaring both without `static` makes the linker name them");
    }

    private ulong Reach(DataObject next) => ElementsInFront * (facts?.ElementSizeOf(next.Symbol) ?? Math.Min(next.End - next.Start, sizeof(int)));

    /// <summary>The end of one object, or the beginning of another (of something without a symbol when null).</summary>
    private ulong? Choose(DataObject ended, DataObject? begun, in Reference reference)
    {
        ulong target = reference.Target;
        var (end, begin) = (bindings.Data(ended, target), bindings.Data(begun, target));
        if (end == begin || IsOfAnotherFile(begun, reference)) return end;
        if (IsOfAnotherFile(ended, reference)) return begin;
        // Nobody counts up to the end of what is no array, or has no name in the source.
        if (facts?.EndsInArray(ended.Symbol) == false || ProgramSymbols.IsMadeByCompiler(ended.Symbol)) return begin;
        if (begun is null && ended.IsReadOnly && constants.IsJumpTable(target)) return begin;
        var use = reference.Follow();
        switch (use.Kind)
        {
            // In front of an end stands what ends there.
            case PointerUseKind.Accessed when use.Distance < 0: return end;
            case PointerUseKind.Bounds: return end;
            case PointerUseKind.Compared when begun is null: return end; // nothing is compared with a literal
            // An index counts as not negative: no compiler is known to index backwards from an end that it took by lea.
            case PointerUseKind.Accessed or PointerUseKind.Advanced: return begin;
            case PointerUseKind.Indexed when use.Distance >= 0: return begin;
        }

        // Behind the constant's old place stands the same that stands behind it here: that address is right whichever is meant.
        if (begun is null && end is { } place && constants.From(target) is { } unnamed && earlier.Hold(place, unnamed)) return end;

        throw new UpdateRefusedException(
            $"{file.Path}: {reference.Where()} holds the address where {ended.Symbol.Name} ends and {begun?.Symbol.Name ?? "other data"} begins, and the two stay "
            + "at different places; which of them is meant can't be told. Declaring the first without `static` makes the linker name it");
    }

    /// <summary>A local object is known to the code of its own source file only. False where debug information says nothing of either.</summary>
    private bool IsOfAnotherFile(DataObject? data, in Reference reference) =>
        data is not null && reference.Function is { } function && facts?.AreOfOneFile(function, data.Symbol) == false;

    /// <summary>What the linker defines: places in the image and not pieces of data; and the compiler's labels of literals.</summary>
    private static bool IsMark(ElfSymbol symbol) => symbol.Name.StartsWith(".L", StringComparison.Ordinal)
        || symbol.Name.StartsWith("__start_", StringComparison.Ordinal) || symbol.Name.StartsWith("__stop_", StringComparison.Ordinal)
        || symbol.Name.EndsWith("_array_start", StringComparison.Ordinal) || symbol.Name.EndsWith("_array_end", StringComparison.Ordinal)
        || symbol.Name is "_end" or "end" or "_edata" or "edata" or "_etext" or "etext" or "__bss_start" or "__data_start" or "data_start"
            or "__TMC_END__" or "__TMC_LIST__" or "_GLOBAL_OFFSET_TABLE_" or "__dso_handle" or "__ehdr_start" or "__executable_start"
            or "_DYNAMIC" or "__GNU_EH_FRAME_HDR" or "__FRAME_END__";
}
