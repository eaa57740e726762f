using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Iced.Intel;

namespace Mvedsua.Rewriter.Tests;

public enum PlaceKind
{
    /// <summary>The bytes 0f 05 stand in data, or inside an instruction.</summary>
    Data,
    /// <summary>A `syscall`.</summary>
    Code,
    /// <summary>The `syscall` of the signal restorer.</summary>
    Restorer,
}

/// <summary>
/// Finds system calls with another decoder (Iced) and another method than the rewriter: functions are swept linearly,
/// code between them is found by recursive descent from everything that branches there.
/// </summary>
public sealed class Oracle
{
    private readonly ElfFile _elf;
    private readonly Dictionary<ulong, Instruction> _instructions = [];
    private readonly HashSet<ulong> _targets = [];
    private readonly HashSet<ulong> _tableTargets = [];
    private bool _complete;

    public Oracle(ElfFile elf) => _elf = elf;

    /// <summary>All places that hold the two bytes, in executable memory, and what they are.</summary>
    public SortedDictionary<ulong, PlaceKind> Places()
    {
        var places = new SortedDictionary<ulong, PlaceKind>();
        foreach (var segment in _elf.ExecutableSegments)
        {
            var bytes = segment.Bytes.Span;
            for (int at = 0; ; at += 2)
            {
                int next = bytes[at..].IndexOf((ReadOnlySpan<byte>)[0x0f, 0x05]);
                if (next < 0)
                    break;
                at += next;
                places[segment.Address + (ulong)at] = PlaceKind.Data;
            }
        }
        foreach (ulong place in places.Keys.ToArray())
            places[place] = Classify(place);
        return places;
    }

    /// <summary>Whether control may come to the address from elsewhere. Decodes the whole file the first time.</summary>
    public bool IsTarget(ulong address)
    {
        DecodeAll();
        return _targets.Contains(address) || _tableTargets.Contains(address) || _elf.FunctionSymbols.Contains(address)
            || FunctionAt(address) is { } function && function.Start == address;
    }

    private PlaceKind Classify(ulong place)
    {
        var section = _elf.ExecutableSections.Find(s => s.Contains(place));
        if (section is null)
            return PlaceKind.Data;
        if (place - section.Address >= 7 && section.From(place - 7)[..7].SequenceEqual<byte>([0x48, 0xc7, 0xc0, 15, 0, 0, 0]))
            return PlaceKind.Restorer;
        if (FunctionAt(place) is { } function)
            Sweep(section, function);
        else
            DecodeAll();
        return _instructions.TryGetValue(place, out var instruction) && instruction.Code == Code.Syscall
            ? PlaceKind.Code
            : PlaceKind.Data;
    }

    private AddressRange? FunctionAt(ulong address)
    {
        int low = 0, high = _elf.Functions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_elf.Functions[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low > 0 && _elf.Functions[low - 1].Contains(address) ? _elf.Functions[low - 1] : null;
    }

    /// <summary>The code between the functions around an address; null inside a function.</summary>
    public AddressRange? GapAround(ulong address)
    {
        if (FunctionAt(address) is not null)
            return null;
        var section = _elf.ExecutableSections.Find(s => s.Contains(address));
        if (section is null)
            return null;
        ulong start = section.Address, end = section.End;
        foreach (var function in _elf.Functions)
        {
            if (function.End <= address && function.End > start)
                start = function.End;
            if (function.Start > address && function.Start < end)
                end = function.Start;
        }
        return new AddressRange(start, end);
    }

    private static Decoder DecoderFor(CodeBlock section, ulong at, ulong end)
    {
        // The decoder reads the file's own array: a copy for every branch target would take minutes.
        MemoryMarshal.TryGetArray(section.Bytes, out var bytes);
        int from = bytes.Offset + (int)(at - section.Address), count = (int)(Math.Min(end, section.End) - at);
        return Decoder.Create(64, new ByteArrayCodeReader(bytes.Array!, from, count), at, DecoderOptions.None);
    }

    private void Add(in Instruction instruction)
    {
        _instructions[instruction.IP] = instruction;
        if (BranchTarget(instruction) is { } target)
            _targets.Add(target);
        if (instruction.Code == Code.Endbr64)
            _targets.Add(instruction.IP);
    }

    private static ulong? BranchTarget(in Instruction i) =>
        i.Op0Kind is OpKind.NearBranch64 ? i.NearBranchTarget : null;

    private void Sweep(CodeBlock section, AddressRange function)
    {
        if (_instructions.ContainsKey(function.Start))
            return;
        Instruction last = default;
        foreach (var instruction in DecoderFor(section, function.Start, function.End))
        {
            if (instruction.IsInvalid)
                continue;
            Add(instruction);
            last = instruction;
        }
        // Unwind information may end where the code doesn't (clone). A call there is one that doesn't return.
        if (last.NextIP == function.End && last.FlowControl is FlowControl.Next or FlowControl.ConditionalBranch
            or FlowControl.Interrupt)
            _targets.Add(function.End);
    }

    private void DecodeAll()
    {
        if (_complete)
            return;
        _complete = true;
        foreach (var section in _elf.ExecutableSections)
        {
            foreach (var function in _elf.Functions)
            {
                if (section.Contains(function.Start))
                    Sweep(section, function);
            }
        }
        Descend();
        FollowTables();
    }

    private void Descend()
    {
        var pending = new Stack<ulong>(_targets.Concat(_elf.FunctionSymbols).Where(t => FunctionAt(t) is null));
        while (pending.TryPop(out ulong start))
        {
            var section = _elf.ExecutableSections.Find(s => s.Contains(start));
            if (section is null)
                continue;
            foreach (var instruction in DecoderFor(section, start, section.End))
            {
                if (instruction.IsInvalid || _instructions.ContainsKey(instruction.IP)
                    || FunctionAt(instruction.IP) is not null)
                    break;
                Add(instruction);
                if (BranchTarget(instruction) is { } target && FunctionAt(target) is null)
                    pending.Push(target);
                if (instruction.FlowControl is FlowControl.Return or FlowControl.UnconditionalBranch
                    or FlowControl.IndirectBranch or FlowControl.Exception)
                    break;
            }
        }
    }

    /// <summary>
    /// Jump tables as compilers write them: 4-byte distances from the table, whose address a lea takes. The rewriter
    /// doesn't see them; this checks that it needn't.
    /// </summary>
    private void FollowTables()
    {
        foreach (var instruction in _instructions.Values.ToArray())
        {
            if (instruction.Mnemonic != Mnemonic.Lea || !instruction.IsIPRelativeMemoryOperand
                || FunctionAt(instruction.IP) is not { } function)
                continue;
            ulong table = instruction.IPRelativeMemoryAddress;
            var data = _elf.ReadOnlySections.Find(s => s.Contains(table));
            if (data is null || table % 4 != 0)
                continue;
            var entries = data.From(table);
            for (; entries.Length >= 4; entries = entries[4..])
            {
                ulong target = table + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(entries);
                if (!function.Contains(target) || !_instructions.ContainsKey(target))
                    break;
                _tableTargets.Add(target);
            }
        }
    }
}
