using Mvedsua.Update.Types;

namespace Mvedsua.Update.Descriptions;

/// <summary>An expression over the fields of an old object. Immutable.</summary>
public abstract record Expression
{
    /// <summary>Its value for one object.</summary>
    /// <param name="record">The old struct, from its first byte.</param>
    /// <exception cref="UpdateRefusedException">A division by zero, or a result beyond 128 bits.</exception>
    public abstract NumberValue Evaluate(ReadOnlySpan<byte> record);

    /// <summary>The same with globals replaced by what they hold.</summary>
    public virtual Expression Bind(Func<GlobalValue, NumberValue> read) => this;
}

/// <summary>A global of the old version. It is bound before anything is evaluated: the process stands still.</summary>
/// <param name="Variable">Which one.</param>
/// <param name="Offset">Of a field in it.</param>
/// <param name="Form">How it is read.</param>
public sealed record GlobalValue(Debug.Variable Variable, ulong Offset, NumberForm Form) : Expression
{
    public override NumberValue Evaluate(ReadOnlySpan<byte> record) => throw new InvalidOperationException($"{Variable.Name} is not bound");

    public override Expression Bind(Func<GlobalValue, NumberValue> read) => new Constant(read(this));
}

/// <summary>A number, or the value of an enumerator.</summary>
public sealed record Constant(NumberValue Value) : Expression
{
    public override NumberValue Evaluate(ReadOnlySpan<byte> record) => Value;
}

/// <summary>A field.</summary>
/// <param name="Name">As written.</param>
/// <param name="Offset">Within the struct.</param>
/// <param name="Form">How it is read; pointers are read as unsigned integers.</param>
public sealed record FieldValue(string Name, ulong Offset, NumberForm Form) : Expression
{
    public override NumberValue Evaluate(ReadOnlySpan<byte> record) => Form.Read(record[(int)Offset..]);
}

/// <summary>-x, !x, ~x.</summary>
public sealed record Unary(string Operator, Expression Operand) : Expression
{
    public override NumberValue Evaluate(ReadOnlySpan<byte> record)
    {
        var value = Operand.Evaluate(record);
        return Operator switch
        {
            "!" => NumberValue.Of(!value.IsTrue),
            "~" => NumberValue.Of(~value.Whole),
            _ => value.IsFloating ? NumberValue.Of(-value.AsDouble) : NumberValue.Of(-value.Whole),
        };
    }

    public override Expression Bind(Func<GlobalValue, NumberValue> read) => this with { Operand = Operand.Bind(read) };
}

/// <summary>condition ? then : otherwise.</summary>
public sealed record Conditional(Expression Condition, Expression Then, Expression Otherwise) : Expression
{
    public override NumberValue Evaluate(ReadOnlySpan<byte> record) =>
        Condition.Evaluate(record).IsTrue ? Then.Evaluate(record) : Otherwise.Evaluate(record);

    public override Expression Bind(Func<GlobalValue, NumberValue> read) =>
        new Conditional(Condition.Bind(read), Then.Bind(read), Otherwise.Bind(read));
}

/// <summary>The operators between two operands, with C's meaning; integers have 128 bits and don't wrap.</summary>
public sealed record Binary(string Operator, Expression Left, Expression Right) : Expression
{
    public override NumberValue Evaluate(ReadOnlySpan<byte> record)
    {
        var left = Left.Evaluate(record);
        if (Operator == "&&") return NumberValue.Of(left.IsTrue && Right.Evaluate(record).IsTrue);
        if (Operator == "||") return NumberValue.Of(left.IsTrue || Right.Evaluate(record).IsTrue);
        var right = Right.Evaluate(record);
        return left.IsFloating || right.IsFloating ? Floating(left.AsDouble, right.AsDouble) : Integers(left.Whole, right.Whole);
    }

    public override Expression Bind(Func<GlobalValue, NumberValue> read) => this with { Left = Left.Bind(read), Right = Right.Bind(read) };

    private NumberValue Floating(double left, double right) => Operator switch
    {
        "+" => NumberValue.Of(left + right),
        "-" => NumberValue.Of(left - right),
        "*" => NumberValue.Of(left * right),
        "/" => NumberValue.Of(left / right),
        "==" => NumberValue.Of(left == right),
        "!=" => NumberValue.Of(left != right),
        "<" => NumberValue.Of(left < right),
        "<=" => NumberValue.Of(left <= right),
        ">" => NumberValue.Of(left > right),
        ">=" => NumberValue.Of(left >= right),
        _ => throw new UpdateRefusedException($"the operator {Operator} is for integers"),
    };

    private NumberValue Integers(Int128 left, Int128 right)
    {
        try
        {
            return Operator switch
            {
                "+" => NumberValue.Of(checked(left + right)),
                "-" => NumberValue.Of(checked(left - right)),
                "*" => NumberValue.Of(checked(left * right)),
                "/" => NumberValue.Of(left / right),
                "%" => NumberValue.Of(left % right),
                "&" => NumberValue.Of(left & right),
                "|" => NumberValue.Of(left | right),
                "^" => NumberValue.Of(left ^ right),
                "<<" => NumberValue.Of(Shift(left, right, isLeft: true)),
                ">>" => NumberValue.Of(Shift(left, right, isLeft: false)),
                "==" => NumberValue.Of(left == right),
                "!=" => NumberValue.Of(left != right),
                "<" => NumberValue.Of(left < right),
                "<=" => NumberValue.Of(left <= right),
                ">" => NumberValue.Of(left > right),
                ">=" => NumberValue.Of(left >= right),
                _ => throw new InvalidOperationException(Operator),
            };
        }
        catch (DivideByZeroException e)
        {
            throw new UpdateRefusedException($"{left} {Operator} 0: division by zero", e);
        }
        catch (OverflowException e)
        {
            throw new UpdateRefusedException($"{left} {Operator} {right} is beyond 128 bits", e);
        }
    }

    private static Int128 Shift(Int128 value, Int128 by, bool isLeft) =>
        by < 0 || by > 63 ? throw new UpdateRefusedException($"a shift by {by}: it must be 0 to 63")
        : isLeft ? checked(value * (Int128.One << (int)by)) : value >> (int)by;
}
