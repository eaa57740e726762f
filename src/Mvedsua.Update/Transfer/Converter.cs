using System.Buffers.Binary;

namespace Mvedsua.Update.Transfer;

/// <summary>Makes new objects of old ones, and moves the pointers to them. Works on the mirror; the process sees it when that is written
/// back.</summary>
internal sealed class Converter(Mirror mirror, ObjectTable objects, IReadOnlyList<(int Number, Plan Plan)> views)
{
    private readonly HashSet<ulong> _patched = [];
    private byte[] _scratch = [], _made = [];

    /* New addresses by number. Pointers come in no order; whole objects would fill the caches with what most don't need. */
    private readonly ulong[] _places = objects.NewPlaces();

    internal long Converted { get; private set; }

    /// <exception cref="UpdateRefusedException">A value or a pointer can't be carried over.</exception>
    internal void ConvertAll()
    {
        foreach (var number in objects.Sorted)
        {
            var found = objects[number];
            if (found.TakesNewValue) continue;
            if (found.Plan.IsChanged || found.IsMoved) Convert(number, found);
            /* Variables are few, and the only place where a pointer into the middle of a changed object is often kept: their pointers are
               all looked at. */
            else if (found.Plan.IsWalked || found.IsStatic) Patch(number, found, found.Plan, found.Count);
        }

        foreach (var (number, plan) in views)
            if (!objects[number].IsPart) Patch(number, objects[number], plan, 1);
    }

    private void Convert(int number, in Found found)
    {
        var (plan, length) = (found.Plan, found.NewLength);
        if (_made.Length < length) _made = new byte[Math.Max(length, 2 * _made.Length)];
        var made = _made.AsSpan(0, length);
        made.Clear();
        try
        {
            for (var i = 0; i < found.Count; i++)
            {
                var old = mirror.Read(found.Old + (ulong)i * (ulong)plan.OldSize, plan.Tail is null ? plan.OldSize : found.OldLength,
                    ref _scratch);
                Convert(plan, old, made[(i * plan.NewSize)..], number, i >= found.Certain, found.Tail);
            }
        }
        catch (ValueException e)
        {
            throw new UpdateRefusedException($"the state can't be carried over: the {plan.Pair.Old} at 0x{found.Old:x} ({objects.PathOf(number)}): {e.Message}");
        }
        mirror.Write(found.New, made);
        if (plan.IsChanged) Converted += found.Count;
    }

    private void Convert(Plan plan, ReadOnlySpan<byte> old, Span<byte> @new, int number, bool isUncertain, int tail)
    {
        foreach (var step in plan.Steps) step.Apply(old, @new);
        foreach (var slot in plan.Slots)
        {
            var value = BinaryPrimitives.ReadUInt64LittleEndian(old[slot.From..]);
            if (value != 0) BinaryPrimitives.WriteUInt64LittleEndian(@new[slot.To..], Corrected(value, slot, number, isUncertain));
        }

        foreach (var loop in plan.Loops)
        {
            for (var i = 0; i < loop.Count; i++)
                Convert(loop.Element, old[(loop.From + i * loop.Element.OldSize)..], @new[(loop.To + i * loop.Element.NewSize)..], number,
                    isUncertain, 0);
        }

        foreach (var choice in plan.Choices)
        {
            if (Walker.Valid(choice, old) is not { } part)
                throw new ValueException(choice.Path, "no condition of the description holds, so which member is valid isn't known");
            Convert(part, old, @new, number, isUncertain, 0);
        }

        if (plan.Tail is not { } end) return;
        if (end.Element.IsCopied)
        {
            old.Slice(end.From, tail * end.Element.OldSize).CopyTo(@new[end.To..]);
            return;
        }
        for (var i = 0; i < tail; i++)
            Convert(end.Element, old.Slice(end.From + i * end.Element.OldSize, end.Element.OldSize), @new[(end.To + i * end.Element.NewSize)..],
                number, isUncertain, 0);
    }

    /// <summary>An object that stays as it is: only pointers in it change.</summary>
    private void Patch(int number, in Found found, Plan plan, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var address = found.Old + (ulong)i * (ulong)plan.OldSize;
            Patch(plan, mirror.Read(address, plan.Tail is null ? plan.OldSize : found.OldLength, ref _scratch), address, number,
                i >= found.Certain, found.Tail);
        }
    }

    private void Patch(Plan plan, ReadOnlySpan<byte> bytes, ulong address, int number, bool isUncertain, int tail)
    {
        foreach (var slot in plan.Slots)
        {
            var value = BinaryPrimitives.ReadUInt64LittleEndian(bytes[slot.From..]);
            if (value == 0) continue;
            var corrected = Corrected(value, slot, number, isUncertain);
            /* Two views of one object see the same pointer; it is moved once. */
            if (corrected != value && (views.Count == 0 || _patched.Add(address + (ulong)slot.From)))
                mirror.WriteWord(address + (ulong)slot.From, corrected);
        }

        foreach (var loop in plan.Loops)
        {
            for (var i = 0; i < loop.Count; i++)
            {
                var place = loop.From + i * loop.Element.OldSize;
                Patch(loop.Element, bytes[place..], address + (ulong)place, number, isUncertain, 0);
            }
        }

        foreach (var choice in plan.Choices)
            if (Walker.Valid(choice, bytes) is { } part) Patch(part, bytes, address, number, isUncertain, 0);
        if (plan.Tail is not { } end) return;
        for (var i = 0; i < tail; i++)
        {
            var place = end.From + i * end.Element.OldSize;
            Patch(end.Element, bytes[place..], address + (ulong)place, number, isUncertain, 0);
        }
    }

    /// <summary>Where a pointer points to in the new version.</summary>
    private ulong Corrected(ulong value, Slot slot, int number, bool isUncertain)
    {
        if (objects.TryGet(value, out var at))
        {
            if (!slot.IsOpaque) return _places[at];
        }
        else
        {
            at = objects.Containing(value);
            if (at < 0) return value;
        }

        ref readonly var found = ref objects[at];
        if (!found.IsMoved && !found.Plan.IsChanged) return value;
        var offset = value - found.Old;
        /* A variable is the only one of its kind: that a pointer to it was found says nothing of others. */
        var isKnown = found.IsStatic && slot.Target is null;
        if (slot.IsOpaque && !isUncertain && !isKnown && found.Plan.IsChanged && !(offset > 0 && offset == found.Room))
            throw objects.Refuse(number, slot, $"nothing is known of this pointer, and it points to a {found.Plan.Pair.Old}, which has changed ({objects.PathOf(at)})",
                slot.Target is null ? $"say what it points to (type {objects.NameOf(number, slot)} is {found.Plan.Pair.Old} *)"
                    : "say when it is valid (valid … is … when …)");
        var plan = found.Plan;
        if (offset == 0) return found.New;
        if (isUncertain) return value;
        if (plan.Tail is not null || plan.OldSize == 0)
        {
            if (offset <= (ulong)found.OldLength && plan.MapOffset((int)offset, slot.Target?.Pair) is { } place) return found.New + (ulong)place;
        }
        else if (offset <= (ulong)found.OldLength)
        {
            var (index, rest) = ((int)(offset / (ulong)plan.OldSize), (int)(offset % (ulong)plan.OldSize));
            if (plan.MapOffset(rest, slot.Target?.Pair) is { } place) return found.New + (ulong)index * (ulong)plan.NewSize + (ulong)place;
        }
        else if (offset == found.Room) return value; /* of the neighbour's, or one past an end that is not ours */

        throw objects.Refuse(number, slot, $"it points to byte {offset} of the {plan.Pair.Old} at 0x{found.Old:x}, which the new version doesn't have");
    }
}
