using System.Globalization;
using System.Text;
using Mvedsua.Rules.Evaluation;

namespace Mvedsua.Rules.Bytecode;

/// <summary>What slots and stores hold: nothing, a number, or bytes. (The interpreter in the shim keeps bytes in an arena.)</summary>
internal readonly record struct Cell(bool HasValue, long Number, byte[]? Bytes)
{
    internal static Cell Of(long number) => new(true, number, null);

    internal static Cell Of(byte[] bytes) => new(true, 0, bytes);

    internal byte[]? AsBytes => !HasValue ? null : Bytes ?? Encoding.ASCII.GetBytes(Number.ToString(CultureInfo.InvariantCulture));
}

/// <summary>Reads parts from code, and matches, makes and fits buffers by them.</summary>
internal ref struct PartReader
{
    private readonly Image _image;
    private readonly ReadOnlySpan<uint> _code;
    private readonly Cell[] _slots;
    private readonly Cell[] _stores;
    private readonly int _count;

    internal PartReader(Image image, ReadOnlySpan<uint> code, int count, Cell[] slots, Cell[] stores)
    {
        _image = image;
        _code = code;
        _count = count;
        _slots = slots;
        _stores = stores;
        var at = 0;
        for (var i = 0; i < count; i++) at += Width(code[at..]);
        Words = at;
    }

    /// <summary>Words that the parts take.</summary>
    internal int Words { get; }

    /// <summary>The buffer that the parts make; null: one of them has no value.</summary>
    internal readonly byte[]? Make()
    {
        var bytes = new List<byte>();
        var at = 0;
        for (var i = 0; i < _count; i++)
        {
            if (Bytes(at) is not { } piece) return null;
            bytes.AddRange(piece);
            at += Width(_code[at..]);
        }
        return [.. bytes];
    }

    internal readonly bool Match(ReadOnlySpan<byte> buffer)
    {
        var (at, place) = (0, 0);
        for (var i = 0; i < _count; i++)
        {
            var width = Width(_code[at..]);
            if (!IsOpen(at))
            {
                if (!StartsWith(buffer[place..], at, out var length)) return false;
                place += length;
                at += width;
                continue;
            }
            var class_ = (Checking.ByteClass)(_code[at] >> 8 & 0xff);
            if (End(buffer, place, class_, at + width, _count - i - 1) is not { } end) return false;
            if (!ByteClasses.Holds(class_, buffer[place..end])) return false;
            if (Kind(at) == PartKind.Slot) _slots[_code[at] >> 16] = Cell.Of(buffer[place..end].ToArray());
            place = end;
            at += width;
        }
        return place == buffer.Length;
    }

    /// <summary>Whether what is known of the parts' beginning stands at the buffer's.</summary>
    internal readonly bool Fits(ReadOnlySpan<byte> buffer)
    {
        var at = 0;
        for (var i = 0; i < _count; i++)
        {
            var kind = Kind(at);
            if (kind == PartKind.Mapped && Kind(at + 1) == PartKind.Slot && Bytes(at + 1) is { } lines)
                return buffer.StartsWith(Map(lines.AsSpan(0, lines.AsSpan().LastIndexOf((byte)'\n') + 1), (int)(_code[at] >> 16)));
            if (kind is not (PartKind.Text or PartKind.Slot) || (kind == PartKind.Text && (_code[at] >> 8 & 0xff) != 0) || Bytes(at) is not { } known) return true;
            if (!buffer.StartsWith(known)) return false;
            if ((_code[at] & 0x80) != 0) return true;
            buffer = buffer[known.Length..];
            at += Width(_code[at..]);
        }
        return buffer.IsEmpty;
    }

    private static int Width(ReadOnlySpan<uint> code) => (PartKind)(code[0] & 0x7f) switch
    {
        PartKind.Text => 3,
        PartKind.Mapped => 1 + Width(code[1..]),
        _ => 1,
    };

    private readonly PartKind Kind(int at) => (PartKind)(_code[at] & 0x7f);

    private readonly bool IsOpen(int at) => Kind(at) == PartKind.Any || (Kind(at) == PartKind.Slot && !_slots[_code[at] >> 16].HasValue);

    private readonly byte[]? Bytes(int at) => Kind(at) switch
    {
        PartKind.Text => _image.Text((int)_code[at + 1], (int)_code[at + 2]),
        PartKind.Slot => _slots[_code[at] >> 16].AsBytes,
        PartKind.Stored => _stores[_code[at] >> 16].AsBytes,
        PartKind.Mapped => Bytes(at + 1) is { } bytes ? Map(bytes, (int)(_code[at] >> 16)) : null,
        _ => null,
    };

    private readonly bool StartsWith(ReadOnlySpan<byte> buffer, int at, out int length)
    {
        length = 0;
        if (Bytes(at) is not { } bytes || bytes.Length > buffer.Length) return false;
        length = bytes.Length;
        return Kind(at) == PartKind.Text && (_code[at] >> 8 & 0xff) != 0
            ? Ascii.EqualsIgnoreCase(buffer[..length], bytes)
            : buffer[..length].SequenceEqual(bytes);
    }

    private readonly int? End(ReadOnlySpan<byte> buffer, int place, Checking.ByteClass class_, int next, int left)
    {
        var least = place + ByteClasses.Least(class_);
        if (left == 0) return buffer.Length;
        var (run, length, at) = (0, 0, next);
        while (run < left && !IsOpen(at))
        {
            if (Bytes(at) is not { } bytes) return null;
            length += bytes.Length;
            at += Width(_code[at..]);
            run++;
        }
        if (run == 0) return null;
        if (run == left)
        {
            var start = buffer.Length - length;
            return start >= least ? start : null;
        }
        for (var from = least; from + length <= buffer.Length; from++)
        {
            var (p, q, ok) = (from, next, true);
            for (var i = 0; ok && i < run; i++)
            {
                ok = StartsWith(buffer[p..], q, out var size);
                p += size;
                q += Width(_code[q..]);
            }
            if (ok) return from;
        }
        return null;
    }

    private readonly byte[] Map(ReadOnlySpan<byte> buffer, int index)
    {
        var map = _image.Map(index);
        var result = new List<byte>();
        while (buffer.IndexOf((byte)'\n') is >= 0 and var feed)
        {
            var end = feed > 0 && buffer[feed - 1] == '\r' ? feed - 1 : feed;
            result.AddRange(Line(buffer[..end], map));
            result.AddRange(buffer[end..(feed + 1)]);
            buffer = buffer[(feed + 1)..];
        }
        result.AddRange(buffer);
        return [.. result];
    }

    private readonly byte[] Line(ReadOnlySpan<byte> bytes, ReadOnlySpan<uint> map)
    {
        for (var i = map[0]; i < map[0] + map[1]; i++)
        {
            var line = _image.Line((int)i);
            var slots = new Cell[line[4]];
            if (!Parts((int)line[0], slots).Match(bytes)) continue;
            return Parts((int)line[2], slots).Make() ?? [];
        }
        return bytes.ToArray();
    }

    private readonly PartReader Parts(int at, Cell[] slots)
    {
        var code = _image.Code[at..];
        return new(_image, code[1..], (int)(code[0] >> 16), slots, []);
    }
}
