using System.Buffers.Binary;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Resuming;

/// <summary>Finds values in a frame: evaluates the expressions by which debug information tells where they are (DWARF 5, section 2.5 and 2.6).</summary>
/// <param name="process">The process.</param>
/// <param name="frame">The frame.</param>
/// <param name="canonical">Its canonical frame address: the caller's stack pointer once it has returned.</param>
/// <param name="layout">What its function's debug information says.</param>
/// <param name="address">Where in the process it is what has an address as linked.</param>
/// <param name="atEntry">What a register held as the function was entered, by DWARF's number; null: that isn't known.</param>
internal sealed class FrameValues(
    IUpdatedProcess process, CallFrame frame, ulong canonical, FrameLayout layout, Func<ulong, ulong> address, Func<ulong, ulong?> atEntry)
{
    /// <summary>A parameter's value, as it is passed: with the sign that it has.</summary>
    /// <param name="place">Where it is.</param>
    /// <param name="type">An integer's, enumeration's, bool's or pointer's.</param>
    /// <param name="value">The value.</param>
    /// <returns>Null, or why it is not to be had.</returns>
    internal string? TryGet(ParameterPlace place, CType type, out ulong value)
    {
        value = 0;
        if (place is { Operations: null, Constant: { } constant }) value = (ulong)constant;
        else if (place.Operations is not { } operations) return "is optimised out where it waits";
        else if (Evaluate(operations, isBase: false, out var isPlace, out value) is { } why) return why;
        else if (isPlace)
        {
            Span<byte> word = stackalloc byte[8];
            word.Clear();
            process.Read(value, word[..(int)type.Size]);
            value = BinaryPrimitives.ReadUInt64LittleEndian(word);
        }

        if (NumberForm.Of(type) is not { } form) return null;
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        value = unchecked((ulong)form.Read(bytes).Whole);
        return null;
    }

    /// <summary>A value of which an expression says what it is, not where; null: it is not to be had.</summary>
    internal ulong? ValueOf(LibDw.Operation[] operations) => Evaluate(operations, isBase: false, out _, out var value) is null ? value : null;

    private string? Evaluate(LibDw.Operation[] operations, bool isBase, out bool isPlace, out ulong result)
    {
        (isPlace, result) = (false, 0);
        var stack = new Stack<ulong>();
        Span<byte> word = stackalloc byte[8];
        for (var i = 0; i < operations.Length; i++)
        {
            var (atom, number) = (operations[i].Atom, operations[i].Number);
            switch (atom)
            {
                case >= DwOp.Register0 and <= DwOp.Register31 or DwOp.RegisterNumber:
                    /* The value itself, which can't be counted with: it stands alone. (A frame's base is one.) */
                    if (operations.Length > 1) return "is in several parts";
                    return Register(atom == DwOp.RegisterNumber ? number : (ulong)(atom - DwOp.Register0), out result);
                case >= DwOp.BaseRegister0 and <= DwOp.BaseRegister31 or DwOp.BaseRegisterNumber:
                    var (register, distance) = atom == DwOp.BaseRegisterNumber ? (number, operations[i].Number2) : ((ulong)(atom - DwOp.BaseRegister0), number);
                    if (Register(register, out var at) is { } unknown) return unknown;
                    stack.Push(at + distance);
                    break;
                case DwOp.FrameBase:
                    if (isBase || layout.Base is null) return "is counted from a frame of which nothing is told";
                    if (Evaluate(layout.Base, isBase: true, out _, out var start) is { } none) return none;
                    stack.Push(start + number);
                    break;
                case DwOp.CallFrameAddress:
                    stack.Push(canonical);
                    break;
                case >= DwOp.Literal0 and <= DwOp.Literal31:
                    stack.Push((ulong)(atom - DwOp.Literal0));
                    break;
                case >= DwOp.Const1Unsigned and <= DwOp.ConstSigned:
                    stack.Push(number);
                    break;
                case DwOp.PlusConstant when stack.Count > 0:
                    stack.Push(stack.Pop() + number);
                    break;
                case DwOp.Plus or DwOp.Minus or DwOp.And when stack.Count > 1:
                    var (right, left) = (stack.Pop(), stack.Pop());
                    stack.Push(atom switch { DwOp.Plus => left + right, DwOp.Minus => left - right, _ => left & right });
                    break;
                case DwOp.Negate when stack.Count > 0:
                    stack.Push(0 - stack.Pop());
                    break;
                case DwOp.Dereference when stack.Count > 0:
                    process.Read(stack.Pop(), word);
                    stack.Push(BinaryPrimitives.ReadUInt64LittleEndian(word));
                    break;
                case DwOp.StackValue when stack.Count > 0 && i == operations.Length - 1:
                    result = stack.Pop();
                    return null;
                case DwOp.Address:
                    stack.Push(address(number));
                    break;
                case DwOp.EntryValue or DwOp.GnuEntryValue:
                    if (atEntry(number) is not { } passed) return "is optimised out where it waits, and what was passed is not known either";
                    stack.Push(passed);
                    break;
                default:
                    return $"is told in a way that isn't read (DW_OP 0x{(byte)atom:x2})";
            }
        }

        if (stack.Count == 0) return "is optimised out where it waits";
        (isPlace, result) = (true, stack.Pop());
        return null;
    }

    private string? Register(ulong number, out ulong value)
    {
        value = number < (ulong)frame.Registers.Count ? frame.Registers[(int)number] ?? 0 : 0;
        return number < (ulong)frame.Registers.Count && frame.Registers[(int)number] is not null ? null : $"was in a register that is not known (number {number})";
    }
}
