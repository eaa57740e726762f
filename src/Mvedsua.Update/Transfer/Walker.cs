using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mvedsua.Update.Transfer;

/// <summary>
/// Finds all objects that are reachable from variables through pointers of known type, and that are of a changed type or lead to one.
/// Reads only.
/// </summary>
internal sealed class Walker(Mirror mirror, IBlocks blocks, ObjectTable objects)
{
    /// <summary>A pointer that was seen and not yet looked at.</summary>
    private readonly record struct Pointer(ulong Value, int Length, int Parent, Slot Via)
    {
        internal Plan Plan => Via.Target!;
    }

    /// <summary>More pointers than that are looked at in the order of what they point to: what each look needs, here and in the process's memory, stands beside what
    /// the one before needed. Fewer are in the caches anyway, and what is refused first is what the program has first.</summary>
    private const int MostUnordered = 1 << 12;

    /// <summary>So many pointers are asked of the allocator at once.</summary>
    private const int Batch = 1 << 14;

    private readonly List<Pointer> _inside = [], _uncertain = [];
    private List<Pointer> _seen = [];
    private readonly List<(int Number, Plan Plan)> _again = [];
    private readonly ulong[] _addresses = new ulong[Batch];
    private readonly Block[] _looked = new Block[Batch];
    private byte[] _scratch = [];

    /// <summary>Objects that were also reached as another type, none of which has changed: their pointers are those of both.</summary>
    internal List<(int Number, Plan Plan)> Views { get; } = [];

    /// <exception cref="UpdateRefusedException">A pointer leads to no object, or to one of another type.</exception>
    internal void Walk()
    {
        for (var next = 0; next < objects.Count || _again.Count > 0;)
        {
            /* A wave: what the pointers of many objects lead to is asked of the allocator at once. */
            for (var end = objects.Count; next < end; next++) Scan(next, objects[next].Plan);
            foreach (var (number, plan) in _again.ToArray()) Scan(number, plan);
            _again.Clear();
            Look();
        }

        objects.Sort();
        if (FindParts()) objects.Sort();
        foreach (var pointer in _inside) CheckInside(pointer);
        foreach (var pointer in _uncertain) CheckUncertain(pointer);
    }

    private void Scan(int number, Plan plan)
    {
        var found = objects[number];
        if (!plan.IsWalked || found.TakesNewValue) return;
        var count = plan == found.Plan ? found.Count : plan.OldSize == 0 ? 0 : 1;
        for (var i = 0; i < count; i++)
        {
            var length = plan.Tail is null ? plan.OldSize : Math.Max(plan.OldSize, found.OldLength);
            Scan(plan, mirror.Read(found.Old + (ulong)i * (ulong)plan.OldSize, length, ref _scratch), number, i >= found.Certain, found.Tail);
        }
    }

    private void Scan(Plan plan, ReadOnlySpan<byte> bytes, int number, bool isUncertain, int tail)
    {
        foreach (var slot in plan.Slots)
        {
            if (slot.IsOpaque || !slot.Target!.IsWalked) continue;
            var value = BinaryPrimitives.ReadUInt64LittleEndian(bytes[slot.From..]);
            if (value == 0) continue;
            var length = slot.Length is null ? -1 : LengthOf(slot.Length, bytes[slot.Record..], number, slot);
            if (length == 0) continue;
            if (objects.TryGet(value, out var known) && objects[known].Plan == slot.Target) continue;
            (isUncertain ? _uncertain : _seen).Add(new Pointer(value, length, number, slot));
        }

        foreach (var loop in plan.Loops)
        {
            if (!loop.Element.IsWalked) continue;
            for (var i = 0; i < loop.Count; i++) Scan(loop.Element, bytes[(loop.From + i * loop.Element.OldSize)..], number, isUncertain, 0);
        }

        foreach (var choice in plan.Choices)
            if (Valid(choice, bytes) is { } part) Scan(part, bytes, number, isUncertain, 0);
        if (plan.Tail is not { Element.IsWalked: true } end) return;
        for (var i = 0; i < tail; i++) Scan(end.Element, bytes[(end.From + i * end.Element.OldSize)..], number, isUncertain, 0);
    }

    /// <summary>What is done with the valid member of a union; null when no condition holds.</summary>
    internal static Plan? Valid(Choice choice, ReadOnlySpan<byte> bytes)
    {
        foreach (var (condition, part) in choice.Cases)
            if (condition.Evaluate(bytes[choice.Record..]).IsTrue) return part;
        return null;
    }

    private int LengthOf(Descriptions.Expression length, ReadOnlySpan<byte> record, int number, Slot slot)
    {
        var value = length.Evaluate(record);
        if (value.IsFloating || value.Whole < 0 || value.Whole > int.MaxValue)
            throw objects.Refuse(number, slot, $"the description's length is {value}");
        return (int)value.Whole;
    }

    private void Look()
    {
        if (_seen.Count > MostUnordered) PutInOrder();
        var seen = CollectionsMarshal.AsSpan(_seen);
        for (var done = 0; done < seen.Length; done += Batch) Look(seen.Slice(done, Math.Min(Batch, seen.Length - done)));
        _seen.Clear();
    }

    private void Look(ReadOnlySpan<Pointer> seen)
    {
        var asked = 0;
        foreach (var pointer in seen)
        {
            if (objects.TryGet(pointer.Value, out var known)) Meet(known, pointer);
            else _addresses[asked++] = pointer.Value;
        }

        blocks.Look(_addresses.AsSpan(0, asked), _looked.AsSpan(0, asked));
        var next = 0;
        foreach (var pointer in seen)
        {
            if (next >= asked) break;
            if (_addresses[next] != pointer.Value) continue;
            var block = _looked[next++];
            if (objects.TryGet(pointer.Value, out var known)) Meet(known, pointer);
            else Take(pointer, block);
        }
    }

    private void PutInOrder()
    {
        var seen = CollectionsMarshal.AsSpan(_seen);
        var (values, places) = (new ulong[seen.Length], new int[seen.Length]);
        for (var i = 0; i < seen.Length; i++) (values[i], places[i]) = (seen[i].Value, i);
        AddressOrder.Sort(ref values, ref places);
        objects.Expect(seen.Length);
        var ordered = new List<Pointer>(seen.Length);
        foreach (var place in places) ordered.Add(seen[place]);
        _seen = ordered;
    }

    private void Take(Pointer pointer, Block block)
    {
        var plan = pointer.Plan;
        if (block.Usable < (ulong)plan.OldSize || plan.OldSize == 0)
        {
            _inside.Add(pointer);
            return;
        }

        if (block.IsFree)
        {
            if (plan.Pair.LeadsToChange)
                throw objects.Refuse(pointer.Parent, pointer.Via, $"the {plan.Pair.Old} at 0x{pointer.Value:x} was freed; the pointer dangles",
                    Keep(pointer));
            return;
        }

        var found = new Found { Old = pointer.Value, New = pointer.Value, Room = block.Usable, LeastAsked = block.LeastAsked,
            IsPageSized = block.IsPageSized, Plan = plan, Parent = pointer.Parent, Via = pointer.Via };
        Measure(ref found, pointer);
        objects.Add(found);
    }

    /// <summary>How many objects a block holds.</summary>
    private void Measure(ref Found found, Pointer pointer)
    {
        var plan = found.Plan;
        if (plan.Tail is { } tail)
        {
            (found.Count, found.Certain) = (1, 1);
            if (tail.Element.OldSize == 0) return;
            var most = (found.Room - (ulong)tail.From) / (ulong)tail.Element.OldSize;
            if (tail.Length is { } length)
            {
                found.Tail = LengthOf(length, mirror.Read(found.Old, plan.OldSize, ref _scratch)[tail.Record..], pointer.Parent, pointer.Via);
                if ((ulong)found.Tail > most)
                    throw objects.Refuse(pointer.Parent, pointer.Via,
                        $"{tail.Path} has room for {most} elements at 0x{found.Old:x}, and the description's length is {found.Tail}");
            }
            else found.Tail = checked((int)most);
            return;
        }

        var size = (ulong)plan.OldSize;
        var greatest = found.Room / size;
        if (pointer.Length >= 0)
        {
            if ((ulong)pointer.Length > greatest)
                throw objects.Refuse(pointer.Parent, pointer.Via,
                    $"the block at 0x{found.Old:x} has room for {greatest} {plan.Pair.Old}, and the description's length is {pointer.Length}");
            found.Count = found.Certain = pointer.Length;
            return;
        }

        /* The allocator rounds up: of what was asked for, only a range is known, and a whole number of elements lies in it. */
        var least = Math.Max(1, (found.LeastAsked + size - 1) / size);
        if (least > greatest)
        {
            if (found.IsPageSized) least = greatest;
            else if (greatest > 1 && plan.Pair.LeadsToChange)
                throw objects.Refuse(pointer.Parent, pointer.Via,
                    $"the block of {found.Room} bytes at 0x{found.Old:x} holds no whole number of {plan.Pair.Old} ({size} bytes)",
                    $"say how many there are (length {objects.NameOf(pointer.Parent, pointer.Via)} is …)");
            else least = greatest = 1;
        }
        (found.Count, found.Certain) = (checked((int)greatest), checked((int)least));
    }

    /// <summary>An object is reached once more.</summary>
    private void Meet(int number, Pointer pointer)
    {
        ref var found = ref objects[number];
        if (found.Plan == pointer.Plan || TypeAt.Holds(found.Plan.Pair.Old, 0, pointer.Plan.Pair.Old)) return;
        if (!found.IsStatic && TypeAt.Holds(pointer.Plan.Pair.Old, 0, found.Plan.Pair.Old) && found.Room >= (ulong)pointer.Plan.OldSize)
        {
            /* It was reached as its first member before: it is the larger one. */
            found.Plan = pointer.Plan;
            Measure(ref found, pointer);
            _again.Add((number, pointer.Plan));
            return;
        }

        /* Walked only for what it may hide; it may be any words behind the first object of a larger block. */
        if (!pointer.Plan.Pair.LeadsToChange) return;
        if (found.Plan.IsChanged || pointer.Plan.IsChanged)
            throw objects.Refuse(pointer.Parent, pointer.Via,
                $"the object at 0x{pointer.Value:x} is {pointer.Plan.Pair.Old} here, and {found.Plan.Pair.Old} by {objects.PathOf(number)}",
                $"if one of both isn't followed in truth: keep {objects.NameOf(pointer.Parent, pointer.Via)}");
        if (Views.Contains((number, pointer.Plan))) return;
        Views.Add((number, pointer.Plan));
        _again.Add((number, pointer.Plan));
    }

    /// <summary>Objects that stand within others: reached by a pointer into the middle before the whole was known.</summary>
    /// <returns>Whether there were any.</returns>
    private bool FindParts()
    {
        var (last, any) = (-1, false);
        foreach (var number in objects.Sorted)
        {
            ref readonly var found = ref objects[number];
            if (last >= 0 && found.Old < objects[last].Old + objects[last].Room && found.Room > 0)
            {
                ref readonly var whole = ref objects[last];
                if (found.IsStatic) continue; /* two names of one variable */
                if (!HoldsAt(whole, found.Old, found.Plan))
                {
                    /* A pool from which the program cuts objects itself: nothing moves, so nothing has to be known of it. */
                    if (!whole.Plan.IsChanged && !found.Plan.IsChanged) continue;
                    throw objects.Refuse(number, null, $"the {found.Plan.Pair.Old} at 0x{found.Old:x} lies within the {whole.Plan.Pair.Old} at 0x{whole.Old:x} ({objects.PathOf(last)}), which has none there");
                }
                objects.MakePart(number);
                any = true;
                continue;
            }
            last = number;
        }
        return any;
    }

    private static bool HoldsAt(in Found whole, ulong address, Plan part)
    {
        var offset = address - whole.Old;
        var plan = whole.Plan;
        if (plan.Tail is null && plan.OldSize > 0) offset = offset == (ulong)whole.OldLength ? 0 : offset % (ulong)plan.OldSize;
        return TypeAt.Holds(plan.Pair.Old, offset, part.Pair.Old);
    }

    private void CheckInside(Pointer pointer)
    {
        var number = objects.Containing(pointer.Value);
        var target = pointer.Plan.Pair;
        if (number >= 0 && HoldsAt(objects[number], pointer.Value, pointer.Plan)) return;
        if (!target.LeadsToChange) return;
        var problem = number >= 0
            ? $"it points into the {objects[number].Plan.Pair.Old} at 0x{objects[number].Old:x} ({objects.PathOf(number)}), where there is no {target.Old}"
            : $"0x{pointer.Value:x} is no {target.Old} that the allocator or a variable holds: it lies in {mirror.Map.Describe(pointer.Value)}";
        throw objects.Refuse(pointer.Parent, pointer.Via, problem, Keep(pointer));
    }

    /// <summary>A pointer in what may be the allocator's slack counts when it leads to an object that is known anyway.</summary>
    private void CheckUncertain(Pointer pointer)
    {
        if (objects.Containing(pointer.Value) >= 0 || !pointer.Plan.Pair.LeadsToChange) return;
        _addresses[0] = pointer.Value;
        blocks.Look(_addresses.AsSpan(0, 1), _looked.AsSpan(0, 1));
        if (_looked[0].Usable >= (ulong)pointer.Plan.OldSize && !_looked[0].IsFree)
            throw objects.Refuse(pointer.Parent, pointer.Via,
                "whether this is the last element of its array or what the allocator left behind it can't be told",
                $"say how many there are (length {objects.NameOf(pointer.Parent, pointer.Via)} is …)");
    }

    private string Keep(Pointer pointer) => $"if nothing follows it: keep {objects.NameOf(pointer.Parent, pointer.Via)}";
}
