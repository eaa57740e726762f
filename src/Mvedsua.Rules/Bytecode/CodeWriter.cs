using Mvedsua.Rules.Checking;

namespace Mvedsua.Rules.Bytecode;

/// <summary>Writes instructions and the text that they refer to.</summary>
internal sealed class CodeWriter
{
    internal List<uint> Words { get; } = [];

    internal List<byte> Text { get; } = [];

    internal int At => Words.Count;

    internal void Emit(Op op, int a = 0, int b = 0) => Words.Add((uint)op | (uint)a << 8 | (uint)b << 16);

    internal void Number(Value value)
    {
        switch (value)
        {
            case ConstantValue constant:
                Emit(Op.Literal);
                Words.Add((uint)constant.Number);
                Words.Add((uint)(constant.Number >> 32));
                break;
            case SlotValue slot:
                Emit(Op.Slot, 0, slot.Slot);
                break;
            case StoredValue stored:
                Emit(Op.Stored, 0, stored.Store);
                break;
            case LengthValue length:
                Load(length.Bytes);
                Emit(Op.Length);
                break;
            case ParsedValue parsed:
                Load(parsed.Bytes);
                Emit(Op.Parse);
                break;
            case SumValue sum:
                Number(sum.Left);
                Number(sum.Right);
                Emit(sum.IsDifference ? Op.Subtract : Op.Add);
                break;
            default:
                throw new InvalidOperationException($"no number: {value}");
        }
    }

    internal void Load(Part part)
    {
        Emit(Op.Load);
        Part(part, grows: false);
    }

    internal void Parts(Op op, int a, IReadOnlyList<Part> parts, Func<Part, bool>? grows = null)
    {
        Emit(op, a, parts.Count);
        foreach (var part in parts) Part(part, grows?.Invoke(part) ?? false);
    }

    /// <summary>Leaves 1 or 0 on the stack.</summary>
    internal void Condition(Condition condition)
    {
        switch (condition)
        {
            case AllOf all:
                Branch(all.Left, Op.SkipFalse, all.Right);
                break;
            case AnyOf any:
                Branch(any.Left, Op.SkipTrue, any.Right);
                break;
            case Not not:
                Condition(not.Inner);
                Emit(Op.Not);
                break;
            case NumberCondition comparison:
                Number(comparison.Left);
                Number(comparison.Right);
                Emit(Op.Compare, (int)comparison.Comparison);
                break;
            case MatchCondition match:
                Load(match.Bytes);
                Parts(Op.Matches, 0, match.Parts);
                break;
        }
    }

    private void Branch(Condition left, Op skip, Condition right)
    {
        Condition(left);
        var at = At;
        Emit(skip);
        Condition(right);
        Words[at] |= (uint)(At - at - 1) << 16;
    }

    private void Part(Part part, bool grows)
    {
        switch (part)
        {
            case TextPart text:
                Kind(PartKind.Text, text.IgnoresCase ? 1 : 0, 0);
                Words.Add((uint)Text.Count);
                Words.Add((uint)text.Bytes.Length);
                Text.AddRange(text.Bytes);
                break;
            case CapturePart { Slot: < 0 }:
                Kind(PartKind.Any, 0, 0);
                break;
            case CapturePart capture:
                Kind(PartKind.Slot, (int)capture.Class, capture.Slot);
                break;
            case StorePart store:
                Kind(PartKind.Stored, 0, store.Store);
                break;
            case MappedPart mapped:
                Kind(PartKind.Mapped, 0, mapped.Map.Index);
                Part(mapped.Source, grows: false);
                break;
        }

        void Kind(PartKind kind, int a, int b) => Words.Add((uint)kind | (grows ? 0x80u : 0) | (uint)a << 8 | (uint)b << 16);
    }
}
