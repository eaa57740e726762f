using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Matching;
using Mvedsua.Update.Transfer;
using Mvedsua.Update.Types;

namespace Mvedsua.Update;

/// <summary>
/// What types add to the linking of a new version: which variables keep their place, and the conversion of the state that those which
/// don't lead to. Prepared from the files
/// alone, before the server is touched; then used once, for one process. Not safe for concurrent use.
/// </summary>
public sealed class TypedUpdate : IDisposable
{
    private readonly DebugFile _old, _new;
    private readonly Dictionary<ulong, Root> _byOldAddress;
    private readonly ElfFile? _converters;

    private TypedUpdate(DebugFile old, DebugFile @new, Description description)
    {
        (_old, _new, Description) = (old, @new, description);
        Comparison = Comparison.Of(old, @new, description.Hints);
        StateTransfer.Refuse(Comparison);
        _converters = description.Converters?.Compile();
        _byOldAddress = Comparison.Roots.Where(r => !r.Old.IsThreadLocal).ToDictionary(r => r.Old.Address);
        Options = new RelinkOptions { KeepsPlace = KeepsPlace, OldFacts = new DebugFacts(old), NewFacts = new DebugFacts(@new), Called = description.Calls.Select(c => c.Function.Address).ToHashSet() };
    }

    /// <summary>What the description says of the rest: where to resume, threads, failures, converters.</summary>
    public Description Description { get; }

    /// <summary>Both versions.</summary>
    public Comparison Comparison { get; }

    /// <summary>For <see cref="Relinker.Prepare"/>.</summary>
    public RelinkOptions Options { get; }

    /// <summary>Finds out everything that the files show.</summary>
    /// <param name="old">The old version's program.</param>
    /// <param name="new">The new version's.</param>
    /// <param name="description">The update description; null without one.</param>
    /// <exception cref="UpdateRefusedException">A file has no debug information, the description has errors, or it must say more.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public static TypedUpdate Prepare(string old, string @new, string? description)
    {
        DebugFile? before = null, after = null;
        try
        {
            (before, after) = (DebugFile.Open(old), DebugFile.Open(@new));
            return new TypedUpdate(before, after, description is null ? Description.Empty : Description.Load(description, before, after));
        }
        catch
        {
            before?.Dispose();
            after?.Dispose();
            throw;
        }
    }

    /// <summary>Converts the state of changed types, after the new version was linked into the process, and calls what the description calls.</summary>
    /// <param name="linked">What the linker did.</param>
    /// <param name="process">The process.</param>
    /// <exception cref="UpdateRefusedException">Something can't be carried over; the copy is to be ended.</exception>
    public TransferReport Carry(LinkResult linked, IUpdatedProcess process)
    {
        var file = new Lazy<ElfFile>(() => ElfFile.Read(linked.Image.Path));
        var converters = _converters is null ? null : ConverterImage.Load(_converters, linked.Image, file.Value, process);
        var report = new StateTransfer(Comparison, process, Allocator.Of(process, linked.Image)).Run(Placed(linked), name =>
            converters!.AddressOf(name));
        foreach (var call in Description.Calls)
        {
            try
            {
                process.Call(linked.Image.Base + call.Function.Address, CallValues.Of(call, linked.Image, file.Value, process));
            }
            catch (UpdateRefusedException e)
            {
                throw new UpdateRefusedException($"the function {call.Function.Name}(), which the description calls: {e.Message}", e);
            }
        }
        return report;
    }

    /// <summary>Closes both files.</summary>
    public void Dispose()
    {
        _old.Dispose();
        _new.Dispose();
    }

    /// <summary>A variable of which nothing is known (assembly, a unit without debug information) keeps its place when its size is the
    /// same.</summary>
    private bool KeepsPlace(SymbolPair pair) =>
        !_byOldAddress.TryGetValue(pair.Old.Symbol.Value, out var root) || (!root.Pair.IsChanged && root.New.Address == pair.New.Symbol.Value);

    private List<PlacedRoot> Placed(LinkResult linked)
    {
        var placed = new List<PlacedRoot>();
        var objects = linked.Objects.Where(o => o.Old.Class != SymbolClass.ThreadLocal).ToLookup(o => o.Old.Symbol.Value);
        foreach (var root in Comparison.Roots)
        {
            if (root.Old.IsThreadLocal || objects[root.Old.Address].FirstOrDefault() is not { } carried) continue;
            /* Renamed ones are two variables to the linker: what was is the old one's, where it goes is the new one's place. */
            var isRenamed = root.Old.Name != root.New.Name;
            var to = isRenamed ? linked.Image.Base + root.New.Address : carried.NewAddress == 0 ? carried.OldAddress : carried.NewAddress;
            var isUntouched = carried.Outcome is CarryOutcome.Replaced or CarryOutcome.Gone or CarryOutcome.NewValue;
            var isDescribed = root.Pair.Differences.Any(d => d.Kind == DifferenceKind.Described);
            placed.Add(new PlacedRoot(root, carried.OldAddress, to, isUntouched && !isDescribed && to != carried.OldAddress));
        }
        return placed;
    }
}
