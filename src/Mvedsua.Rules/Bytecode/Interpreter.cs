using Mvedsua.Rules.Evaluation;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Bytecode;

/// <summary>Runs stretches of code on one event or call. What it knows of rules comes from the image alone.</summary>
internal sealed class Interpreter(Image image)
{
    /// <summary>Runs code; false: it failed. Slots and stores may have changed also then: use copies.</summary>
    internal bool Run((int At, int Words) stretch, Frame frame)
    {
        var code = image.Code.Slice(stretch.At, stretch.Words);
        var stack = new Stack<long>();
        for (var at = 0; at < code.Length;)
        {
            var word = code[at++];
            var (op, a, b) = ((Op)(word & 0xff), (int)(word >> 8 & 0xff), (int)(word >> 16));
            switch (op)
            {
                case Op.Literal:
                    stack.Push((long)(code[at] | (ulong)code[at + 1] << 32));
                    at += 2;
                    break;
                case Op.SkipFalse or Op.SkipTrue:
                    if (stack.Peek() != 0 == (op == Op.SkipTrue)) at += b;
                    else stack.Pop();
                    break;
                case Op.Room:
                    if (frame.Given[a] is { } given && given.Length > Room(frame.Record.Arguments[code[at]], b)) return false;
                    at++;
                    break;
                case Op.Load or Op.Match or Op.Matches or Op.FitBytes or Op.Give:
                    var parts = new PartReader(image, code[at..], op == Op.Load ? 1 : b, frame.Slots, frame.Stores);
                    at += parts.Words;
                    if (!OfParts(op, a, parts, frame, stack)) return false;
                    break;
                default:
                    if (!(Numbers(op, a, b, frame, stack) ?? Buffers(op, a, b, frame) ?? Answer(op, a, b, frame, stack))) return false;
                    break;
            }
            if (frame.IsSettled) return true;
        }
        return true;
    }

    private static long Room(ulong units, int unit) => (int)units is var count && units != (ulong)count ? int.MaxValue : count < 0 ? int.MaxValue : (long)count * unit;

    private static bool OfParts(Op op, int a, PartReader parts, Frame frame, Stack<long> stack)
    {
        switch (op)
        {
            case Op.Match:
                return parts.Match(frame.Buffer);
            case Op.Matches:
                stack.Push(parts.Match(frame.Buffer) ? 1 : 0);
                return true;
            case Op.FitBytes:
                return parts.Fits(frame.Buffer);
            case Op.Load:
                if (parts.Make() is not { } loaded) return false;
                frame.Buffer = loaded;
                return true;
            default:
                if (parts.Make() is not { } given) return false;
                (frame.Given[a], frame.GivenBytes) = (given, frame.GivenBytes + given.Length);
                return true;
        }
    }

    private static bool? Numbers(Op op, int a, int b, Frame frame, Stack<long> stack)
    {
        switch (op)
        {
            case Op.Argument:
                var raw = frame.Record.Arguments[a];
                stack.Push(b switch { 0 => (int)raw, 1 => (uint)raw, _ => (long)raw });
                return true;
            case Op.Result:
                if (frame.Record.Result is not { } result) return false;
                stack.Push(result);
                return true;
            case Op.Slot or Op.Stored:
                var cell = op == Op.Slot ? frame.Slots[b] : frame.Stores[b];
                if (!cell.HasValue || cell.Bytes is not null) return false;
                stack.Push(cell.Number);
                return true;
            case Op.Length:
                stack.Push(frame.Buffer.Length);
                return true;
            case Op.Parse:
                if (!ByteClasses.TryNumber(frame.Buffer, out var parsed)) return false;
                stack.Push(parsed);
                return true;
            case Op.Add or Op.Subtract:
                var second = stack.Pop();
                stack.Push(unchecked(op == Op.Add ? stack.Pop() + second : stack.Pop() - second));
                return true;
            case Op.Test:
                return Holds(a, stack);
            case Op.Compare:
                stack.Push(Holds(a, stack) ? 1 : 0);
                return true;
            case Op.Not:
                stack.Push(stack.Pop() == 0 ? 1 : 0);
                return true;
            case Op.Require:
                return stack.Pop() != 0;
            case Op.Capture or Op.Fit:
                var value = stack.Pop();
                if (frame.Slots[b] is { HasValue: true } known) return known.Number == value;
                if (op == Op.Capture) frame.Slots[b] = Cell.Of(value);
                return true;
            case Op.StoreNumber:
                frame.Written[b] = Cell.Of(stack.Pop());
                return true;
            default:
                return null;
        }
    }

    private static bool Holds(int comparison, Stack<long> stack)
    {
        var right = stack.Pop();
        var left = stack.Pop();
        return comparison switch { 0 => left == right, 1 => left != right, 2 => left < right, 3 => left <= right, 4 => left > right, _ => left >= right };
    }

    private static bool? Buffers(Op op, int a, int b, Frame frame)
    {
        switch (op)
        {
            case Op.Sent or Op.Received:
                if ((op == Op.Sent ? frame.Record.Sent : frame.Record.Received)[a] is not { } bytes) return false;
                frame.Buffer = bytes;
                return true;
            case Op.Append:
                frame.Slots[b] = Cell.Of([.. frame.Slots[b].Bytes ?? [], .. frame.Buffer]);
                return true;
            case Op.Take:
                var rest = frame.Slots[b].Bytes ?? [];
                if (frame.Buffer.Length == 0 || !rest.AsSpan().StartsWith(frame.Buffer)) return false;
                frame.Slots[b] = Cell.Of(rest[frame.Buffer.Length..]);
                return true;
            case Op.StoreBytes:
                frame.Written[b] = Cell.Of(frame.Buffer);
                return true;
            case Op.Success:
                return !frame.Record.Failed && (a == 0 || frame.Record.Result is not { } sent || sent == frame.Record.SentBytes);
            case Op.Same:
                // As the shim compares without rules, which is not the image's business.
                return Equality.Difference(frame.Source!, frame.Record, a) is null;
            default:
                return null;
        }
    }

    private static bool Answer(Op op, int a, int b, Frame frame, Stack<long> stack)
    {
        switch (op)
        {
            case Op.Execute:
                (frame.IsExecuted, frame.IsSettled) = (true, true);
                return true;
            case Op.Copy:
                frame.Source!.Received.CopyTo(frame.Given, 0);
                return true;
            case Op.Return:
                return frame.Return(stack.Pop());
            case Op.ReturnSent:
                return frame.Return(frame.Record.SentBytes);
            case Op.ReturnGiven:
                return frame.Return(frame.GivenBytes);
            case Op.ReturnSource:
                return frame.Source!.Result is { } result && frame.Return(result);
            case Op.AllGiven:
                return frame.Result == frame.GivenBytes;
            case Op.Fixed:
                return frame.Given[a]?.Length == b;
            default:
                throw new InvalidOperationException($"the verifier let {op} pass");
        }
    }
}

/// <summary>What code works on.</summary>
/// <param name="record">The event or call.</param>
/// <param name="slots">The rule's slots.</param>
/// <param name="stores">Stored values, as they were before this call.</param>
/// <param name="source">The event that the call gets its result from.</param>
/// <param name="written">Stored values as they will be after it; null: the code stores nothing.</param>
internal sealed class Frame(CallRecord record, Cell[] slots, Cell[] stores, CallRecord? source, Cell[]? written = null)
{
    internal CallRecord Record { get; } = record;

    internal Cell[] Slots { get; } = slots;

    internal Cell[] Stores { get; } = stores;

    internal Cell[] Written { get; } = written ?? stores;

    internal CallRecord? Source { get; } = source;

    internal byte[] Buffer { get; set; } = [];

    internal byte[]?[] Given { get; private set; } = new byte[]?[6];

    internal long GivenBytes { get; set; }

    internal long Result { get; private set; }

    internal bool IsExecuted { get; set; }

    /// <summary>Nothing more is to be done for the call.</summary>
    internal bool IsSettled { get; set; }

    /// <summary>An error needs no memory, and none is looked at.</summary>
    internal bool Return(long result)
    {
        Result = result;
        if (result is >= 0 or < -4095) return true;
        if (Source is not { Failed: true }) Given = new byte[]?[6];
        IsSettled = true;
        return true;
    }

    internal Answer ToAnswer() => IsExecuted ? Evaluation.Answer.Executed : new(false, Result, Given);
}
