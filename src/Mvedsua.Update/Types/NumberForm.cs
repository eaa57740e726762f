using System.Buffers.Binary;
using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Types;

/// <summary>How a number stands in memory: an integer, enum, bool, bit-field or floating point number.</summary>
/// <param name="Kind">How its bits are read; never <see cref="BaseKind.Complex"/>.</param>
/// <param name="Size">Bytes of its type: 1, 2, 4, 8 or (unsigned __int128, long double) 16.</param>
/// <param name="BitShift">Of a bit-field: where it begins in its first byte, 0 to 7.</param>
/// <param name="BitSize">Bits of a bit-field; 0 for any other.</param>
public readonly record struct NumberForm(BaseKind Kind, int Size, int BitShift = 0, int BitSize = 0)
{
    /// <summary>The form of a type's or a member's values; null when they are no numbers, or of a form that isn't converted (complex).</summary>
    public static NumberForm? Of(CType type, int bitShift = 0, int bitSize = 0) => type.Bare switch
    {
        BaseType { Kind: BaseKind.Complex } => null,
        BaseType { Size: > 0 and <= 16 } b => new NumberForm(b.Kind, (int)b.Size, bitShift, bitSize),
        EnumType { Size: > 0 and <= 8 } e => new NumberForm(e.IsSigned ? BaseKind.SignedNumber : BaseKind.UnsignedNumber, (int)e.Size, bitShift,
            bitSize),
        _ => null,
    };

    /// <summary>Whether values can be read and written here: all but long double, of which only the bytes can be copied.</summary>
    public bool IsConvertible => Kind != BaseKind.Floating || Size is 4 or 8;

    public bool IsFloating => Kind == BaseKind.Floating;

    /// <summary>The number of bits that hold its value.</summary>
    public int Width => BitSize > 0 ? BitSize : 8 * Size;

    /// <summary>Bytes from its first to its last bit.</summary>
    public int Span => BitSize > 0 ? (BitShift + BitSize + 7) / 8 : Size;

    /// <summary>The smallest and the largest integer that it holds.</summary>
    public (Int128 Least, Int128 Greatest) Range => Kind switch
    {
        BaseKind.Boolean => (0, 1),
        BaseKind.SignedNumber => Width >= 128 ? (Int128.MinValue, Int128.MaxValue)
            : (-(Int128.One << (Width - 1)), (Int128.One << (Width - 1)) - 1),
        _ => Width >= 127 ? (0, Int128.MaxValue) : (0, (Int128.One << Width) - 1),
    };

    /// <summary>Reads the value that begins at the start of <paramref name="from"/>.</summary>
    public NumberValue Read(ReadOnlySpan<byte> from)
    {
        if (IsFloating)
            return NumberValue.Of(Size == 4 ? BinaryPrimitives.ReadSingleLittleEndian(from) : BinaryPrimitives.ReadDoubleLittleEndian(from));
        UInt128 bits = 0;
        for (var i = Span - 1; i >= 0; i--) bits = bits << 8 | from[i];
        bits >>= BitShift;
        if (Width < 128)
        {
            bits &= (UInt128.One << Width) - 1;
            if (Kind == BaseKind.SignedNumber && (bits >> (Width - 1)) != 0) return NumberValue.Of((Int128)bits - (Int128.One << Width));
        }
        return NumberValue.Of((Int128)bits);
    }

    /// <summary>Writes a value that lies within <see cref="Range"/>; the bits around a bit-field stay.</summary>
    public void Write(Span<byte> to, NumberValue value)
    {
        if (IsFloating)
        {
            if (Size == 4) BinaryPrimitives.WriteSingleLittleEndian(to, (float)value.AsDouble);
            else BinaryPrimitives.WriteDoubleLittleEndian(to, value.AsDouble);
            return;
        }

        var bits = (UInt128)value.Whole;
        if (BitSize > 0)
        {
            var mask = ((UInt128.One << BitSize) - 1) << BitShift;
            UInt128 around = 0;
            for (var i = Span - 1; i >= 0; i--) around = around << 8 | to[i];
            bits = around & ~mask | bits << BitShift & mask;
        }
        for (var i = 0; i < Span; i++, bits >>= 8) to[i] = (byte)bits;
    }

    /// <summary>Whether a value can be stored without changing it.</summary>
    public bool Holds(NumberValue value)
    {
        if (IsFloating)
            return value.IsFloating ? Size == 8 || double.IsNaN(value.AsDouble) || (float)value.AsDouble == value.AsDouble
                : (Int128)(Size == 4 ? (float)value.Whole : (double)value.Whole) == value.Whole;
        if (value.IsFloating) return false;
        var (least, greatest) = Range;
        return value.Whole >= least && value.Whole <= greatest;
    }
}

/// <summary>The value of a number: an integer of up to 128 bits, or a floating point number.</summary>
public readonly record struct NumberValue
{
    private readonly double _floating;

    private NumberValue(Int128 whole, double floating, bool isFloating) => (Whole, _floating, IsFloating) = (whole, floating, isFloating);

    public static NumberValue Of(Int128 value) => new(value, 0, false);

    public static NumberValue Of(double value) => new(0, value, true);

    public static NumberValue Of(bool value) => Of(value ? Int128.One : Int128.Zero);

    public bool IsFloating { get; }

    /// <summary>The integer; 0 for a floating point number.</summary>
    public Int128 Whole { get; }

    public double AsDouble => IsFloating ? _floating : (double)Whole;

    public bool IsTrue => IsFloating ? _floating != 0 : Whole != 0;

    public override string ToString() => IsFloating ? _floating.ToString(System.Globalization.CultureInfo.InvariantCulture)
        : Whole.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
