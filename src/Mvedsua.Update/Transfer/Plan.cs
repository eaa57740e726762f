using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Transfer;

/// <summary>A pointer in an object.</summary>
/// <param name="From">Place in the old object.</param>
/// <param name="To">Place in the new one.</param>
/// <param name="Target">What it points to; null when that isn't known.</param>
/// <param name="IsOpaque">It is not followed: nothing is known of it, or whether it is valid.</param>
/// <param name="Length">How many objects it points to, over the struct at <paramref name="Record"/>.</param>
/// <param name="Record">Place in the old object.</param>
/// <param name="Path">For people.</param>
internal sealed record Slot(int From, int To, Plan? Target, bool IsOpaque, Expression? Length, int Record, string Path);

/// <summary>Many equal parts in a row.</summary>
internal sealed record Loop(int From, int To, int Count, Plan Element);

/// <summary>A union and what is done when a member is valid.</summary>
internal sealed record Choice(int Record, string Path, IReadOnlyList<(Expression Condition, Plan Part)> Cases);

/// <summary>The array of unknown length at the end.</summary>
internal sealed record Tail(int From, int To, Plan Element, Expression? Length, int Record, string Path);

/// <summary>
/// How objects of one pair of types are walked and converted, compiled once. Complete when its compiler is done; then immutable.
/// </summary>
internal sealed class Plan(TypePair pair)
{
    internal TypePair Pair { get; } = pair;
    internal int OldSize { get; } = checked((int)pair.Old.Size);
    internal int NewSize { get; } = checked((int)pair.New.Size);
    internal Slot[] Slots { get; set; } = [];
    internal Step[] Steps { get; set; } = [];
    internal Loop[] Loops { get; set; } = [];
    internal Choice[] Choices { get; set; } = [];
    internal Tail? Tail { get; set; }

    /// <summary>Structs and arrays that stand in it by value.</summary>
    internal (int From, int To, TypePair Pair)[] Parts { get; set; } = [];

    /// <summary>Functions of the author's that finish an object, and on which part.</summary>
    internal (int From, int To, string Function)[] Calls { get; set; } = [];

    /// <summary>Where unchanged bytes went, in the order of their old places.</summary>
    internal (int From, int To, int Size)[] Bytes { get; set; } = [];

    internal bool IsChanged => Pair.IsChanged;

    /// <summary>An object is made by copying its bytes: nothing in it changes, and no pointer.</summary>
    internal bool IsCopied => !IsChanged && Steps is [CopyStep] && Slots.Length == 0 && Loops.Length == 0 && Choices.Length == 0 && Tail is null;

    /// <summary>Whether objects are looked into at all.</summary>
    internal bool IsWalked { get; set; }

    /// <summary>Where a place in an old object is in the new one; null when it is gone.</summary>
    /// <param name="offset">In one object, or its size: the end.</param>
    /// <param name="target">What stands there.</param>
    internal int? MapOffset(int offset, TypePair? target)
    {
        if (offset == 0) return 0;
        if (!IsChanged) return offset;
        foreach (var (from, to, part) in Parts)
            if (from == offset && part == target) return to;
        foreach (var (from, to, size) in Bytes)
            if (offset >= from && offset < from + size) return to + (offset - from);
        foreach (var loop in Loops)
        {
            var inside = offset - loop.From;
            if (inside < 0 || inside > loop.Count * loop.Element.OldSize) continue;
            var index = inside / loop.Element.OldSize;
            var rest = inside % loop.Element.OldSize;
            if (rest == 0) return loop.To + index * loop.Element.NewSize;
            if (loop.Element.MapOffset(rest, target) is { } place) return loop.To + index * loop.Element.NewSize + place;
        }

        if (Tail is { } tail && offset >= tail.From)
        {
            if (tail.Element.OldSize == 0) return null;
            var (index, rest) = (int.DivRem(offset - tail.From, tail.Element.OldSize).Quotient, (offset - tail.From) % tail.Element.OldSize);
            if (tail.Element.MapOffset(rest, target) is { } place) return tail.To + index * tail.Element.NewSize + place;
        }
        return offset == OldSize ? NewSize : null;
    }
}
