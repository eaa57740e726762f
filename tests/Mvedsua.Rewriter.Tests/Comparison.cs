using System.Buffers.Binary;
using Iced.Intel;

namespace Mvedsua.Rewriter.Tests;

/// <summary>Compares what the rewriter made of a file with what the oracle sees in it.</summary>
public static class Comparison
{
    /// <summary>One sentence for each difference; none: they agree.</summary>
    public static List<string> Differences(Dump dump, ElfFile elf)
    {
        var differences = new List<string>();
        var oracle = new Oracle(elf);
        var places = oracle.Places();
        foreach (var (place, kind) in places)
        {
            string wanted = kind switch { PlaceKind.Code => "code", PlaceKind.Restorer => "restorer", _ => "data" };
            string? got = dump.Places.GetValueOrDefault(place);
            if (got != wanted)
                differences.Add($"{dump.Path}: {place:x}: {got ?? "not seen"} instead of {wanted}");
        }
        foreach (ulong place in dump.Places.Keys.Where(p => !places.ContainsKey(p)))
            differences.Add($"{dump.Path}: {place:x}: the file doesn't hold 0f 05 there");
        foreach (var (status, trapped) in dump.Totals)
        {
            if (status != 0 || trapped != 0)
                differences.Add($"{dump.Path}: status {status}, {trapped} sites trapped");
        }

        var carried = new HashSet<ulong>();
        foreach (var window in dump.Windows)
        {
            try
            {
                WindowCheck.Verify(window, dump.Bias, oracle, carried);
            }
            catch (MismatchException mismatch)
            {
                differences.Add($"{dump.Path}: window {window.Window:x}: {mismatch.Message}");
            }
        }
        foreach (ulong site in places.Where(p => p.Value == PlaceKind.Code).Select(p => p.Key))
        {
            if (!carried.Contains(site))
                differences.Add($"{dump.Path}: {site:x}: no trampoline carries this site");
        }
        return differences;
    }
}

/// <summary>A window or trampoline isn't what it should be.</summary>
public sealed class MismatchException(string message) : Exception(message);

/// <summary>Decodes a window's original bytes and its trampoline side by side.</summary>
internal ref struct WindowCheck
{
    private readonly byte[] _code;
    private readonly ulong _bias, _trampoline, _slot, _end;
    private int _at;

    private WindowCheck(Rewritten window, ulong bias)
    {
        _code = Convert.FromHexString(window.Code);
        _bias = bias;
        _trampoline = (ulong)window.Trampoline;
        _slot = (ulong)window.Slot;
        _end = (ulong)window.Window + (ulong)(window.Before.Length / 2);
    }

    public static void Verify(Rewritten window, ulong bias, Oracle oracle, HashSet<ulong> carried)
    {
        VerifyJump(window, oracle);
        var before = Convert.FromHexString(window.Before);
        ulong start = (ulong)window.Window;
        for (ulong at = start + 1; at < start + (ulong)before.Length; at++)
        {
            if (oracle.IsTarget(at))
                throw new MismatchException($"{at:x} inside it is a branch target");
        }
        new WindowCheck(window, bias).VerifyTrampoline(Decoder.Create(64, before, start), carried);
    }

    private static void VerifyJump(Rewritten window, Oracle oracle)
    {
        var after = Convert.FromHexString(window.After);
        ulong at = (ulong)window.Window;
        if (window.Pad is { } pad)
        {
            if (after.Length != 2 || after[0] != 0xeb || at + 2 + (ulong)(sbyte)after[1] != (ulong)pad)
                throw new MismatchException("no short jump to the padding");
            var gap = oracle.GapAround((ulong)pad) ?? throw new MismatchException("the padding is in a function");
            if ((ulong)pad + 5 > gap.End)
                throw new MismatchException("the padding ends too early");
            for (ulong p = (ulong)pad; p < (ulong)pad + 5; p++)
            {
                if (oracle.IsTarget(p))
                    throw new MismatchException($"{p:x} in the padding is a branch target");
            }
            after = Convert.FromHexString(window.PadAfter!);
            at = (ulong)pad;
        }
        if (after.Length < 5 || after[0] != 0xe9
            || at + 5 + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(after.AsSpan(1)) != (ulong)window.Trampoline)
            throw new MismatchException("no jump to the trampoline");
        if (after.AsSpan(5).ContainsAnyExcept((byte)0xcc))
            throw new MismatchException("the rest of it isn't int3");
    }

    private Instruction Next()
    {
        var decoder = Decoder.Create(64, _code.AsSpan(_at).ToArray(), _trampoline + (ulong)_at);
        var instruction = decoder.Decode();
        if (instruction.IsInvalid)
            throw new MismatchException($"offset {_at} of the trampoline doesn't decode");
        _at += instruction.Length;
        return instruction;
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
            throw new MismatchException(what);
    }

    private void VerifyTrampoline(Decoder originals, HashSet<ulong> carried)
    {
        bool fallsThrough = true;
        foreach (var original in originals)
        {
            Require(!original.IsInvalid, "it doesn't hold whole instructions");
            if (!fallsThrough)
            {
                Require(original.Mnemonic is Mnemonic.Nop or Mnemonic.Int3, "code behind a jump was dropped");
                continue;
            }
            if (original.Code == Code.Syscall)
            {
                VerifySite(original);
                Require(carried.Add(original.IP), "its site is carried twice");
                continue;
            }
            VerifyMoved(original);
            fallsThrough = original.FlowControl is not (FlowControl.Return or FlowControl.UnconditionalBranch
                or FlowControl.IndirectBranch or FlowControl.Exception or FlowControl.Call);
        }
        if (fallsThrough)
        {
            var back = Next();
            Require(back.Code == Code.Jmp_rel32_64 && back.NearBranchTarget == _end, "no jump back to its end");
        }
        Require(_at == _code.Length, "something follows in the trampoline");
    }

    private void VerifySite(in Instruction site)
    {
        var lea = Next();
        var jump = Next();
        Require(lea.Code == Code.Lea_r64_m && lea.Op0Register == Register.RCX && lea.IsIPRelativeMemoryOperand,
            "no lea of the continuation");
        Require(jump.Code == Code.Jmp_rm64 && jump.IsIPRelativeMemoryOperand && jump.IPRelativeMemoryAddress == _slot,
            "no jump through the slot");
        Require(BinaryPrimitives.ReadUInt64LittleEndian(_code.AsSpan(_at)) == _bias + site.NextIP,
            "the address after the site isn't recorded");
        _at += 8;
        Require(lea.IPRelativeMemoryAddress == _trampoline + (ulong)_at, "the continuation is elsewhere");
        Require(Next().Code == Code.Endbr64, "the continuation has no endbr64");
    }

    private void VerifyMoved(in Instruction original)
    {
        var moved = Next();
        switch (original.FlowControl)
        {
            case FlowControl.UnconditionalBranch:
                Require(moved.Code == Code.Jmp_rel32_64 && moved.NearBranchTarget == original.NearBranchTarget,
                    "a jump leads elsewhere");
                return;
            case FlowControl.ConditionalBranch when original.IsLoop || original.IsLoopcc || original.IsJkccShort
                || original.Mnemonic is Mnemonic.Jrcxz:
                Require(moved.Code == original.Code && moved.NearBranchTarget == moved.NextIP + 2, "a loop is not taken right");
                var over = Next();
                var loop = Next();
                Require(over.Code == Code.Jmp_rel8_64 && over.NearBranchTarget == loop.NextIP, "a loop ends wrong");
                Require(loop.Code == Code.Jmp_rel32_64 && loop.NearBranchTarget == original.NearBranchTarget,
                    "a loop leads elsewhere");
                return;
            case FlowControl.ConditionalBranch:
                Require(moved.ConditionCode == original.ConditionCode
                    && moved.NearBranchTarget == original.NearBranchTarget, "a conditional jump differs");
                return;
            case FlowControl.Call:
                var high = Next();
                var call = Next();
                Require(moved.Code == Code.Pushq_imm32 && high.Code == Code.Mov_rm32_imm32
                    && high.MemoryBase == Register.RSP && high.MemoryDisplacement64 == 4, "a call pushes nothing");
                Require(((ulong)high.Immediate32 << 32 | (uint)moved.Immediate32to64) == _bias + original.NextIP,
                    "a call returns elsewhere");
                Require(original.NextIP == _end, "a call returns into the window");
                Require(call.Code == Code.Jmp_rel32_64 && call.NearBranchTarget == original.NearBranchTarget,
                    "a call leads elsewhere");
                return;
            default:
                Require(SameOperation(original, moved), $"'{original}' became '{moved}'");
                return;
        }
    }

    private static bool SameOperation(in Instruction a, in Instruction b)
    {
        if (a.Code != b.Code || a.Length != b.Length || a.OpCount != b.OpCount || a.HasLockPrefix != b.HasLockPrefix
            || a.HasRepPrefix != b.HasRepPrefix || a.HasRepnePrefix != b.HasRepnePrefix
            || a.SegmentPrefix != b.SegmentPrefix || a.OpMask != b.OpMask || a.MemoryBase != b.MemoryBase
            || a.MemoryIndex != b.MemoryIndex || a.MemoryIndexScale != b.MemoryIndexScale
            || a.MemoryDisplSize != b.MemoryDisplSize)
            return false;
        // For an operand relative to the instruction Iced gives the address, for any other the displacement.
        if (a.MemoryDisplacement64 != b.MemoryDisplacement64)
            return false;
        for (int i = 0; i < a.OpCount; i++)
        {
            if (a.GetOpKind(i) != b.GetOpKind(i))
                return false;
            if (a.GetOpKind(i) == OpKind.Register && a.GetOpRegister(i) != b.GetOpRegister(i))
                return false;
            if (a.GetOpKind(i) is >= OpKind.Immediate8 and <= OpKind.Immediate32to64 && a.GetImmediate(i) != b.GetImmediate(i))
                return false;
        }
        return true;
    }
}
