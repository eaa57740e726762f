using System.Diagnostics;
using System.Runtime.InteropServices;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Transfer;

/// <summary>A variable of both versions in the process.</summary>
/// <param name="Root">Which one, and its types.</param>
/// <param name="OldAddress">Where it stands.</param>
/// <param name="NewAddress">Where it will stand: the same when its type is as it was.</param>
/// <param name="TakesNewValue">Its old contents are dropped, because the new version's initial value counts.</param>
public sealed record PlacedRoot(Root Root, ulong OldAddress, ulong NewAddress, bool TakesNewValue = false);

/// <summary>What was done.</summary>
/// <param name="Walked">Objects that were found, arrays and variables counted once.</param>
/// <param name="Converted">Objects whose type changed, elements of arrays counted each.</param>
/// <param name="Moved">Blocks that were replaced by new ones.</param>
/// <param name="PagesWritten">Of 4 KiB.</param>
/// <param name="Walking">Time to find them.</param>
/// <param name="Converting">Time to allocate, convert, write back and free.</param>
public sealed record TransferReport(long Walked, long Converted, long Moved, long PagesWritten, TimeSpan Walking, TimeSpan Converting)
{
    /// <summary>Words elsewhere that still hold the address of a replaced block: of libraries, or left in memory that was given back.</summary>
    public long LeftOverCount { get; init; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<LeftOver> LeftOvers { get; init; } = [];

    /// <summary>What an old address is now: the same, or the new object's that was at it. Null: the middle of an object that was converted.</summary>
    internal Func<ulong, ulong?> Follow { get; init; } = address => address;
}

/// <summary>
/// Carries the state of changed types over: finds the objects from typed roots, converts them, moves the pointers to them, frees the old
/// ones. Shape and cycles stay.
/// Whatever can't be carried over is refused before the process was changed, except by a value that doesn't fit (then memory was
/// allocated) and by a function of the author's.
/// </summary>
public sealed class StateTransfer
{
    private readonly Comparison _comparison;
    private readonly IUpdatedProcess _process;
    private readonly Allocator _allocator;
    private readonly Mirror _mirror;
    private readonly ObjectTable _objects = new();
    private readonly PlanCompiler _compiler;
    private readonly Dictionary<Debug.Variable, ulong> _places = [];

    /// <param name="comparison">Of both versions.</param>
    /// <param name="process">The copy of the leader.</param>
    /// <param name="allocator">The program's.</param>
    /// <exception cref="UpdateRefusedException">A type needs a word in the description.</exception>
    public StateTransfer(Comparison comparison, IUpdatedProcess process, Allocator allocator)
    {
        (_comparison, _process, _allocator) = (comparison, process, allocator);
        Refuse(comparison);
        _mirror = new Mirror(process);
        _compiler = new PlanCompiler(comparison.ChangesHeap, ReadGlobal);
    }

    /// <summary>What the files alone show to be in the way: types that need a word in the description.</summary>
    /// <exception cref="UpdateRefusedException">There is something.</exception>
    public static void Refuse(Comparison comparison)
    {
        var needs = comparison.Needs.Select(n => $"  {n}{(n.Cure is null ? "" : $" ({n.Cure})")}").Distinct().ToList();
        if (needs.Count > 0) throw new UpdateRefusedException($"the description must say what becomes of:\n{string.Join('\n', needs)}");
        foreach (var root in comparison.Roots)
            if (root.Old.IsThreadLocal && root.Pair.LeadsToChange)
                throw new UpdateRefusedException($"the thread-local variable {root.Old.FullName} leads to a changed type ({root.Pair}); the state of thread-local variables can't be converted");
    }

    /// <summary>Does it.</summary>
    /// <param name="roots">All variables of both versions that have a place in the process.</param>
    /// <param name="function">The address, in the process, of a function of the author's.</param>
    /// <exception cref="UpdateRefusedException">Something can't be carried over; the message names the pointers that lead to it.</exception>
    public TransferReport Run(IReadOnlyList<PlacedRoot> roots, Func<string, ulong> function)
    {
        var clock = Stopwatch.StartNew();
        foreach (var root in roots) _places[root.Root.Old] = root.OldAddress;
        foreach (var root in roots) AddRoot(root);
        var isGlibc = IsGlibc();
        IBlocks blocks = isGlibc ? new GlibcBlocks(_mirror) : new CalledBlocks(_process, _allocator, _mirror);
        var walker = new Walker(_mirror, blocks, _objects);
        walker.Walk();
        Check();
        var walking = clock.Elapsed;

        var moved = Allocate();
        /* The allocator has changed its own words since; pages are written back whole. */
        _mirror.Forget();
        var converter = new Converter(_mirror, _objects, walker.Views);
        converter.ConvertAll();
        var pages = _mirror.Flush();
        CallFunctions(function);
        var leftOvers = new LeftOvers(_process, _objects, isGlibc);
        leftOvers.Find();
        _process.CallMany(_allocator.Free, moved, 1, new ulong[moved.Length]);
        return new TransferReport(_objects.Count, converter.Converted, moved.Length, pages, walking, clock.Elapsed - walking)
        {
            LeftOverCount = leftOvers.Count,
            LeftOvers = leftOvers.Told,
            Follow = Follow,
        };
    }

    private ulong? Follow(ulong address)
    {
        if (_objects.Containing(address) is not (>= 0 and var number)) return address;
        ref readonly var found = ref _objects[number];
        if ((!found.IsMoved && !found.Plan.IsChanged) || address == found.Old + found.Room) return address;
        return address == found.Old ? found.New : null;
    }

    private void AddRoot(PlacedRoot placed)
    {
        if (placed.Root.Old.IsThreadLocal || placed.Root.Pair.Old.Size is 0 or > int.MaxValue) return;
        var pair = placed.Root.Pair;
        if (pair.IsChanged && placed.NewAddress == placed.OldAddress && pair.New.Size > pair.Old.Size)
            throw new ArgumentException($"{placed.Root.Old.FullName} has grown and was given no new place");
        var plan = _compiler.Of(pair);
        var number = _objects.Add(new Found
        {
            Old = placed.OldAddress, New = placed.NewAddress, Room = pair.Old.Size, LeastAsked = pair.Old.Size,
            Plan = plan, Count = 1, Certain = 1, Parent = -1, IsStatic = true, TakesNewValue = placed.TakesNewValue,
        });
        _objects.Names[number] = placed.Root.Old.FullName;
    }

    private NumberValue ReadGlobal(GlobalValue global)
    {
        if (!_places.TryGetValue(global.Variable, out var place))
            throw new UpdateRefusedException($"the description reads {global.Variable.FullName}, which the new version doesn't have");
        byte[] scratch = [];
        return global.Form.Read(_mirror.Read(place + global.Offset, global.Form.Span, ref scratch));
    }

    private bool IsGlibc() => _mirror.Map.At(_allocator.UsableSize) is { } mapping
        && Path.GetFileName(mapping.Name).StartsWith("libc", StringComparison.Ordinal)
        && _mirror.Map.At(_allocator.Malloc) is { } malloc && malloc.Name == mapping.Name;

    /// <summary>Asks the allocator itself about every block that will be replaced: a wrong guess would corrupt its lists.</summary>
    private void Check()
    {
        var numbers = new List<int>();
        for (var i = 0; i < _objects.Count; i++)
            if (_objects[i] is { IsStatic: false, IsPart: false, Plan.IsChanged: true }) numbers.Add(i);
        var addresses = numbers.Select(n => _objects[n].Old).ToArray();
        var sizes = new ulong[addresses.Length];
        _process.CallMany(_allocator.UsableSize, addresses, 1, sizes);
        for (var i = 0; i < sizes.Length; i++)
            if (sizes[i] != _objects[numbers[i]].Room)
                throw _objects.Refuse(numbers[i], null, $"the allocator says that the block at 0x{addresses[i]:x} has {sizes[i]} bytes, its header says {_objects[numbers[i]].Room}");
    }

    /// <summary>Gives blocks that have become too small a new place.</summary>
    /// <returns>The old blocks, to be freed at the end.</returns>
    private ulong[] Allocate()
    {
        var numbers = new List<int>();
        var sizes = new List<ulong>();
        foreach (var number in _objects.Sorted)
        {
            ref readonly var found = ref _objects[number];
            if (found.IsStatic || !found.Plan.IsChanged) continue;
            /* A function of the author's reads the old object while it makes the new one. */
            if ((ulong)found.NewLength <= found.Room && !HasCalls(found.Plan)) continue;
            numbers.Add(number);
            sizes.Add((ulong)Math.Max(1, found.NewLength));
        }

        var places = new ulong[sizes.Count];
        _process.CallMany(_allocator.Malloc, CollectionsMarshal.AsSpan(sizes), 1, places);
        var old = new ulong[places.Length];
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i] == 0)
                throw new UpdateRefusedException($"the program's allocator has no memory for a {_objects[numbers[i]].Plan.Pair.New} ({sizes[i]} bytes)");
            ref var found = ref _objects[numbers[i]];
            (old[i], found.New) = (found.Old, places[i]);
        }
        return old;
    }

    private static bool HasCalls(Plan plan) => plan.Calls.Length > 0 || plan.Loops.Any(l => HasCalls(l.Element))
        || plan.Choices.Any(c => c.Cases.Any(x => HasCalls(x.Part))) || (plan.Tail is { } tail && HasCalls(tail.Element));

    private void CallFunctions(Func<string, ulong> function)
    {
        var calls = new Dictionary<string, List<ulong>>();
        for (var number = 0; number < _objects.Count; number++)
        {
            ref readonly var found = ref _objects[number];
            if (found.IsPart || found.TakesNewValue || !found.Plan.IsChanged || !HasCalls(found.Plan)) continue;
            for (var i = 0; i < found.Count; i++)
                Add(found.Plan, found.Old + (ulong)(i * found.Plan.OldSize), found.New + (ulong)(i * found.Plan.NewSize), found.Tail, calls);
        }
        foreach (var (name, arguments) in calls)
        {
            try
            {
                _process.CallMany(function(name), CollectionsMarshal.AsSpan(arguments), 2, new ulong[arguments.Count / 2]);
            }
            catch (UpdateRefusedException e)
            {
                throw new UpdateRefusedException($"the function {name}(), which the description names: {e.Message}", e);
            }
        }
    }

    private static void Add(Plan plan, ulong old, ulong @new, int tail, Dictionary<string, List<ulong>> calls)
    {
        foreach (var (from, to, name) in plan.Calls)
        {
            if (!calls.TryGetValue(name, out var arguments)) calls[name] = arguments = [];
            arguments.Add(old + (ulong)from);
            arguments.Add(@new + (ulong)to);
        }
        foreach (var loop in plan.Loops)
            for (var i = 0; i < loop.Count; i++)
                Add(loop.Element, old + (ulong)(loop.From + i * loop.Element.OldSize), @new + (ulong)(loop.To + i * loop.Element.NewSize), 0,
                    calls);
        if (plan.Tail is not { } end) return;
        for (var i = 0; i < tail; i++)
            Add(end.Element, old + (ulong)(end.From + i * end.Element.OldSize), @new + (ulong)(end.To + i * end.Element.NewSize), 0, calls);
    }
}
