using System.Runtime.InteropServices;

namespace Mvedsua.Update.Transfer;

/// <summary>An object, or several in a row, that was found in the process.</summary>
internal struct Found
{
    /// <summary>Where it stands.</summary>
    internal ulong Old;

    /// <summary>Where it will stand; the same when it stays.</summary>
    internal ulong New;

    /// <summary>Bytes of its block or variable.</summary>
    internal ulong Room;

    /// <summary>The program asked the allocator for at least so many.</summary>
    internal ulong LeastAsked;

    /// <summary>The block has a mapping of its own: what is behind the last element is zero.</summary>
    internal bool IsPageSized;

    /// <summary>Of one element.</summary>
    internal Plan Plan;

    /// <summary>Elements.</summary>
    internal int Count;

    /// <summary>Elements that are there for sure; those behind may be the allocator's slack.</summary>
    internal int Certain;

    /// <summary>Elements of the array at the end.</summary>
    internal int Tail;

    /// <summary>The object that led here, and its pointer; -1 for a variable.</summary>
    internal int Parent;

    internal Slot? Via;

    /// <summary>A variable: it has its place in an image, and is never freed.</summary>
    internal bool IsStatic;

    /// <summary>Contents are not carried over: the new version's initial value counts.</summary>
    internal bool TakesNewValue;

    /// <summary>A part of another object that was found by itself first.</summary>
    internal bool IsPart;

    internal readonly bool IsMoved => New != Old;

    internal readonly int OldLength => Plan.Tail is { } tail ? Math.Max(Plan.OldSize, tail.From + Tail * tail.Element.OldSize)
        : Count * Plan.OldSize;

    internal readonly int NewLength => Plan.Tail is { } tail ? Math.Max(Plan.NewSize, tail.To + Tail * tail.Element.NewSize)
        : Count * Plan.NewSize;
}

/// <summary>All objects that were found, by number and by address.</summary>
internal sealed class ObjectTable
{
    private const int Page = 4096;

    private readonly List<Found> _objects = [];
    private readonly AddressTable _byAddress = new();

    /* Of each page's first address, and of the piece's end: how many objects begin before it. */
    private readonly Pieces<int[]> _ranks = new();
    private ulong[] _starts = [], _ends = [];
    private int[] _numbers = [];

    internal int Count => _objects.Count;

    internal Span<Found> All => CollectionsMarshal.AsSpan(_objects);

    internal ref Found this[int number] => ref CollectionsMarshal.AsSpan(_objects)[number];

    internal int Add(Found found)
    {
        _objects.Add(found);
        _byAddress.Set(found.Old, _objects.Count - 1);
        return _objects.Count - 1;
    }

    /// <summary>So many more are added soon: a list that grows step by step would be copied.</summary>
    internal void Expect(int more) => _objects.EnsureCapacity(_objects.Count + more);

    /// <summary>Where each will stand, by number.</summary>
    internal ulong[] NewPlaces()
    {
        var places = new ulong[Count];
        for (var i = 0; i < places.Length; i++) places[i] = this[i].New;
        return places;
    }

    internal bool TryGet(ulong address, out int number) => _byAddress.TryGet(address, out number);

    /// <summary>An object turned out to be a part of another; pointers to it are pointers into that one.</summary>
    internal void MakePart(int number)
    {
        this[number].IsPart = true;
        _byAddress.Remove(this[number].Old);
    }

    /// <summary>Orders what was found, for <see cref="Containing"/>.</summary>
    internal void Sort()
    {
        var all = All;
        var whole = 0;
        foreach (ref readonly var found in all)
            if (!found.IsPart) whole++;
        (_starts, _numbers) = (new ulong[whole], new int[whole]);
        var next = 0;
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].IsPart) continue;
            (_starts[next], _numbers[next]) = (all[i].Old, i);
            next++;
        }
        AddressOrder.Sort(ref _starts, ref _numbers);
        _ends = new ulong[whole];
        for (var i = 0; i < whole; i++) _ends[i] = _starts[i] + all[_numbers[i]].Room;
        _ranks.Clear();
        for (var i = 0; i < whole;)
        {
            var ranks = _ranks.Add(_starts[i], new int[Pieces<int[]>.Size / Page + 1]);
            var page = _starts[i] & ~(Pieces<int[]>.Size - 1ul);
            for (var p = 0; p < ranks.Length; p++, page += Page)
            {
                while (i < whole && _starts[i] < page) i++;
                ranks[p] = i;
            }
        }
    }

    /// <summary>Numbers in the order of addresses.</summary>
    internal ReadOnlySpan<int> Sorted => _numbers;

    /// <summary>The object whose room holds an address, or ends there; -1 when none does.</summary>
    internal int Containing(ulong address)
    {
        /* A search of all would miss the cache twenty times. */
        int at;
        if (_ranks.TryGet(address, out var ranks))
        {
            var page = (int)(address % Pieces<int[]>.Size) / Page;
            var end = ranks[page + 1];
            for (at = ranks[page]; at < end && _starts[at] <= address;) at++;
            at--;
        }
        else
        {
            at = Array.BinarySearch(_starts, address);
            if (at < 0) at = ~at - 1;
        }
        return at >= 0 && address <= _ends[at] ? _numbers[at] : -1;
    }

    /// <summary>For people: the pointers that lead to an object, from a variable on.</summary>
    internal string PathOf(int number, Slot? last = null)
    {
        var words = new List<string>();
        if (last is not null && IsField(last)) words.Add(last.Path);
        for (var at = number; at >= 0; at = this[at].Parent)
        {
            ref readonly var found = ref this[at];
            if (found.Via is null) words.Add(Names[at]);
            else if (IsField(found.Via)) words.Add(found.Via.Path);
        }
        words.Reverse();
        if (words.Count > 7) words = [.. words[..2], $"… {words.Count - 5} more …", .. words[^3..]];
        return string.Join(" → ", words);
    }

    /// <summary>What a description calls a pointer: its field, or the field or variable that leads to the array in which it stands.</summary>
    internal string NameOf(int number, Slot slot)
    {
        if (IsField(slot)) return slot.Path;
        for (var at = number; ; at = this[at].Parent)
        {
            if (this[at].Via is not { } via) return Names[at].Split(' ')[0];
            if (IsField(via)) return via.Path;
        }
    }

    /// <summary>Other pointers are those of variables and of arrays; they have no name of their own.</summary>
    private static bool IsField(Slot slot) => slot.Path.Contains('.', StringComparison.Ordinal);

    /// <summary>Names of variables, by their number.</summary>
    internal Dictionary<int, string> Names { get; } = [];

    internal UpdateRefusedException Refuse(int number, Slot? slot, string problem, string? cure = null) =>
        new($"the state can't be carried over: {PathOf(number, slot)}: {problem}{(cure is null ? "" : $"; {cure}")}");
}
