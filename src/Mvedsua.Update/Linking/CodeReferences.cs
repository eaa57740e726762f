using System.Buffers.Binary;
using Iced.Intel;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>
/// Finds what the code of a file refers to, from the relocations that --emit-relocs kept and the instructions that stand there. What the
/// linker replaced is recognised: a load from the global offset table that became lea, an indirect call that became a direct one. The
/// address of a local function in the same section has no relocation, because the assembler resolves it: all code is decoded to find those.
/// </summary>
internal sealed class CodeReferences
{
    private readonly ElfFile _file;
    private readonly Functions _functions;
    private readonly ulong _offsetTable;

    internal CodeReferences(ElfFile file, Functions functions)
    {
        (_file, _functions) = (file, functions);
        _offsetTable = file.Symbols.FirstOrDefault(s => s is { Name: "_GLOBAL_OFFSET_TABLE_", IsDefined: true })?.Value ?? 0;
    }

    /// <summary>All of them that lead to something defined in the file itself.</summary>
    /// <exception cref="UpdateRefusedException">A relocation is of a type that isn't known, or no instruction stands where it points.</exception>
    internal List<CodeReference> Find()
    {
        List<CodeReference> found = [];
        foreach (var section in _file.Sections.Where(s => s is { IsLoaded: true, IsCode: true, IsZero: false }))
        {
            var relocations = _file.StaticRelocations.GetValueOrDefault(section.Index) ?? [];
            Find(section, [.. relocations.Where(Matters).OrderBy(r => r.Offset)],
                // In the large code model a function takes its own address, to count to the offset table from there, and others another way.
                [.. relocations.Where(r => r.Type == RelocationType.GotPc64).Select(r => unchecked(r.Offset - (ulong)r.Addend))], found);
        }

        return found;
    }

    /// <summary>Whether the target could be elsewhere than in the image itself. What an import or a thread-local is bound to, the
    /// image's own offset table, procedure table and thread block say.</summary>
    private bool Matters(ElfRelocation relocation)
    {
        if (!_file.Symbols[relocation.Symbol].IsDefined || _file.Sections[_file.Symbols[relocation.Symbol].Section].IsThreadLocal) return false;
        switch (relocation.Type)
        {
            case RelocationType.Pc32 or RelocationType.Plt32 or RelocationType.GotPcRel or RelocationType.GotPcRelX
                or RelocationType.RexGotPcRelX or RelocationType.GotOff64:
                return true;
            case RelocationType.None or RelocationType.Word64 // Word64: by its dynamic relocation
                or RelocationType.GotPc32 or RelocationType.GotPc64 or RelocationType.Got32 or RelocationType.Got64
                or RelocationType.GotPlt64 or RelocationType.GotPcRel64 or RelocationType.PltOff64
                or RelocationType.Size32 or RelocationType.Size64
                or RelocationType.TlsGd or RelocationType.TlsLd or RelocationType.GotTpOff or RelocationType.TpOff32
                or RelocationType.TpOff64 or RelocationType.DtpOff32 or RelocationType.DtpOff64 or RelocationType.DtpMod64
                or RelocationType.GotPc32TlsDesc or RelocationType.TlsDescCall:
                return false;
            default:
                throw new UpdateRefusedException(
                    $"{_file.Path}: the relocation of type {(Enum.IsDefined(relocation.Type) ? relocation.Type : (int)relocation.Type)} in "
                    + $"{_functions.NameAt(relocation.Offset)} can't be bound; is it written in assembler, or for a fixed address?");
        }
    }

    private void Find(ElfSection section, ElfRelocation[] relocations, HashSet<ulong> tableOrigins, List<CodeReference> found)
    {
        var bytes = _file.BytesOf(section).ToArray();
        if (relocations.FirstOrDefault(r => r.Offset < section.Address || r.Offset >= section.End) is { Symbol: not 0 } outside) throw Nowhere(outside);
        var reader = new ByteArrayCodeReader(bytes);
        var decoder = Decoder.Create(64, reader);
        var next = 0;
        for (var start = section.Address; start < section.End;)
        {
            // Anew at each function's start: padding or data before it can't then be taken for the beginning of an instruction.
            decoder.IP = start;
            reader.Position = (int)(start - section.Address);
            start = _functions.Next(start, section);
            while (decoder.IP < start)
            {
                decoder.Decode(out var instruction);
                var isTold = false;
                // an instruction with displacement and immediate can have two
                for (; next < relocations.Length && relocations[next].Offset < decoder.IP; next++, isTold = true)
                    found.Add(Read(relocations[next], instruction, decoder.GetConstantOffsets(instruction), bytes, section));
                if (isTold || instruction.Mnemonic != Mnemonic.Lea || !instruction.IsIPRelativeMemoryOperand) continue;
                var target = instruction.IPRelativeMemoryAddress;
                if (_functions.IsEntry(target) && !tableOrigins.Contains(target))
                {
                    var at = instruction.IP + (ulong)decoder.GetConstantOffsets(instruction).DisplacementOffset;
                    found.Add(new CodeReference(default, at, instruction.IP, instruction.NextIP, 4, target, CodeUse.Address));
                }
            }
        }
    }

    private CodeReference Read(ElfRelocation relocation, in Instruction instruction, in ConstantOffsets offsets, byte[] bytes, ElfSection section)
    {
        var at = relocation.Offset - instruction.IP;
        if (relocation.Offset < instruction.IP || instruction.IsInvalid) throw Nowhere(relocation);
        if (offsets.HasDisplacement && at == (ulong)offsets.DisplacementOffset && instruction.IsIPRelativeMemoryOperand)
        {
            return new CodeReference(relocation, relocation.Offset, instruction.IP, instruction.NextIP, 4,
                instruction.IPRelativeMemoryAddress, instruction.Mnemonic == Mnemonic.Lea ? CodeUse.Address : CodeUse.Access);
        }

        if (!offsets.HasImmediate || at != (ulong)offsets.ImmediateOffset) throw Nowhere(relocation);
        if (offsets.ImmediateSize == 4 && instruction.Op0Kind == OpKind.NearBranch64)
        {
            return new CodeReference(relocation, relocation.Offset, instruction.IP, instruction.NextIP, 4, instruction.NearBranchTarget,
                CodeUse.Branch);
        }

        if (offsets.ImmediateSize == 8 && relocation.Type == RelocationType.GotOff64 && _offsetTable != 0)
        {
            var value = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan((int)(relocation.Offset - section.Address)));
            return new CodeReference(relocation, relocation.Offset, instruction.IP, _offsetTable, 8, unchecked(_offsetTable + value), CodeUse.Address);
        }

        throw Nowhere(relocation);
    }

    private UpdateRefusedException Nowhere(ElfRelocation relocation) => new(
        $"{_file.Path}: the relocation at {relocation.Offset:x}, in {_functions.NameAt(relocation.Offset)}, is not at the address of an "
        + "instruction; is there data in its code?");
}
