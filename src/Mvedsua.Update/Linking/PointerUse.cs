using Iced.Intel;

namespace Mvedsua.Update.Linking;

/// <summary>What a function does with an address after it took it.</summary>
internal enum PointerUseKind
{
    /// <summary>Other things, or nothing that can be seen.</summary>
    Unknown,

    /// <summary>Only compares it: a bound, or an object that something is compared with.</summary>
    Compared,

    /// <summary>Only compares it, with what was counted up just before: the end of what is walked.</summary>
    Bounds,

    /// <summary>Reads or writes at a fixed distance from it.</summary>
    Accessed,

    /// <summary>Reads, writes or takes an address at a distance that depends on an index.</summary>
    Indexed,

    /// <summary>Counts on from it.</summary>
    Advanced,

    /// <summary>Passes, stores or returns it: a pointer of the program's, which is valid. What a compiler makes for itself, such as the
    /// address in front of an array, stays in registers.</summary>
    Escapes,
}

/// <summary>What a function does with an address.</summary>
/// <param name="Kind">The first thing that it does.</param>
/// <param name="Distance">Of an access, in bytes, without the index.</param>
/// <param name="Scale">By what the index of an access is multiplied; 1 when there is none, or nothing is known of it.</param>
internal readonly record struct PointerUse(PointerUseKind Kind, long Distance = 0, int Scale = 1);

/// <summary>Follows a register from the instruction that took an address, the way the code goes where it does not depend on a condition, to
/// the register's first use but comparisons, or its next value.</summary>
internal sealed class PointerUses
{
    private const int MostInstructions = 400;

    private readonly ByteArrayCodeReader _reader;
    private readonly Decoder _decoder;
    private readonly InstructionInfoFactory _factory = new();
    private readonly HashSet<Register> _risen = []; // registers whose last new value was a count upwards
    private readonly ulong _start, _end;
    private bool _isCompared, _boundsAll = true;

    private PointerUses(byte[] code, ulong address)
    {
        (_reader, _start, _end) = (new ByteArrayCodeReader(code), address, address + (ulong)code.Length);
        _decoder = Decoder.Create(64, _reader, address);
    }

    /// <param name="code">The function's bytes from the instruction on.</param>
    /// <param name="address">Where the instruction stands.</param>
    internal static PointerUse After(byte[] code, ulong address) => new PointerUses(code, address).Follow();

    private PointerUse Follow()
    {
        _decoder.Decode(out var taken);
        if (taken.Mnemonic != Mnemonic.Lea) return default;
        var register = taken.Op0Register.GetFullRegister();
        for (var i = 0; i < MostInstructions && _decoder.IP < _end; i++)
        {
            _decoder.Decode(out var instruction);
            if (instruction.IsInvalid) return default;
            if (Look(instruction, register) is { } use) return use;
            if (instruction.FlowControl != FlowControl.UnconditionalBranch) continue;
            var to = instruction.NearBranchTarget;
            if (to < _start || to >= _end) return new PointerUse(IsArgument(register) && !_isCompared ? PointerUseKind.Escapes : PointerUseKind.Unknown);
            _reader.Position = (int)(to - _start);
            _decoder.IP = to;
        }

        return default;
    }

    /// <summary>What one instruction tells; null when it has nothing to do with the register, or only compares it.</summary>
    private PointerUse? Look(in Instruction instruction, Register register)
    {
        ref readonly var info = ref _factory.GetInfo(instruction);
        if (Access(info, register) is { } access) return access;
        if (IsElementAddress(instruction, register)) return new PointerUse(PointerUseKind.Indexed, (long)instruction.MemoryDisplacement64,
            instruction.MemoryBase.GetFullRegister() == register ? instruction.MemoryIndexScale : 1);
        if (IsAdvance(instruction, register)) return new PointerUse(PointerUseKind.Advanced);
        if (IsStore(instruction, register)) return new PointerUse(PointerUseKind.Escapes);

        var (read, written) = (false, false);
        foreach (var used in info.GetUsedRegisters())
        {
            var full = used.Register.GetFullRegister();
            var isWritten = used.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite;
            if (isWritten && IsAdvance(instruction, full)) _risen.Add(full);
            else if (isWritten) _risen.Remove(full);
            if (full != register) continue;
            read |= used.Access is OpAccess.Read or OpAccess.ReadWrite or OpAccess.CondRead or OpAccess.ReadCondWrite;
            written |= isWritten;
        }

        if (read && instruction.Mnemonic != Mnemonic.Cmp) return default(PointerUse);
        if (read) Compare(instruction, register);
        if (LeavesWith(instruction, register)) return new PointerUse(_isCompared ? PointerUseKind.Unknown : PointerUseKind.Escapes);
        if (written || instruction.FlowControl == FlowControl.Return || (IsCall(instruction) && IsLostByCalls(register)))
            return new PointerUse(!_isCompared ? PointerUseKind.Unknown : _boundsAll ? PointerUseKind.Bounds : PointerUseKind.Compared);
        return null;
    }

    private void Compare(in Instruction instruction, Register register)
    {
        _isCompared = true;
        var other = instruction.Op0Register == register ? instruction.Op1Register : instruction.Op0Register;
        _boundsAll &= _risen.Contains(other);
    }

    private static PointerUse? Access(in InstructionInfo info, Register register)
    {
        foreach (var memory in info.GetUsedMemory())
        {
            if (memory.Access == OpAccess.NoMemAccess) continue;
            if (memory.Base.GetFullRegister() == register)
                return new PointerUse(memory.Index == Register.None ? PointerUseKind.Accessed : PointerUseKind.Indexed, (long)memory.Displacement, Math.Max(memory.Scale, 1));
            if (memory.Index.GetFullRegister() == register) return new PointerUse(PointerUseKind.Indexed, (long)memory.Displacement);
        }

        return null;
    }

    /// <summary>lea with an index.</summary>
    private static bool IsElementAddress(in Instruction instruction, Register register) => instruction.Mnemonic == Mnemonic.Lea
        && instruction.MemoryIndex != Register.None
        && (instruction.MemoryBase.GetFullRegister() == register || instruction.MemoryIndex.GetFullRegister() == register);

    /// <summary>lea and additions of a constant.</summary>
    private static bool IsAdvance(in Instruction instruction, Register register) => instruction.Mnemonic switch
    {
        Mnemonic.Lea => instruction.MemoryBase.GetFullRegister() == register && instruction.MemoryIndex == Register.None
            && (long)instruction.MemoryDisplacement64 > 0,
        Mnemonic.Add => instruction.Op0Register.GetFullRegister() == register
            && instruction.Op1Kind is OpKind.Immediate8to64 or OpKind.Immediate32to64 && (long)instruction.GetImmediate(1) > 0,
        _ => false,
    };

    private static bool IsStore(in Instruction instruction, Register register) =>
        instruction.Mnemonic == Mnemonic.Push ? instruction.Op0Register == register
        : instruction.Mnemonic == Mnemonic.Mov && instruction.Op0Kind == OpKind.Memory && instruction.Op1Register == register;

    /// <summary>A call, or a jump out of the function, with the register as an argument; a return with it as the result.</summary>
    private static bool LeavesWith(in Instruction instruction, Register register) =>
        (IsCall(instruction) && IsArgument(register)) || (instruction.FlowControl == FlowControl.Return && register == Register.RAX);

    private static bool IsCall(in Instruction instruction) => instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall;

    private static bool IsArgument(Register r) =>
        r is Register.RDI or Register.RSI or Register.RDX or Register.RCX or Register.R8 or Register.R9;

    private static bool IsLostByCalls(Register r) => IsArgument(r) || r is Register.RAX or Register.R10 or Register.R11;
}
