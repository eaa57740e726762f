using System.Buffers.Binary;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>
/// The three-way rule: a variable that is still as the old version's file made it takes the new version's initial value; one that the
/// program changed keeps what it has. Both initial values are compared as they are once relocated.
/// </summary>
internal sealed class InitialValues(IUpdatedProcess process, LinkedImage old, ElfFile oldFile, ImageBytes oldImage, LinkedImage @new,
    ElfFile newFile, ImageBytes newImage)
{
    private readonly HashSet<ulong> _copied = [.. @new.Copies.Select(c => c.Address)];
    private readonly List<(ulong Address, byte[] Bytes)> _writes = [];

    /// <summary>Decides for all variables and constants; writes nothing yet. Each place of the old version is told once.</summary>
    internal List<CarriedObject> Decide(SymbolMatch match)
    {
        List<CarriedObject> objects = [];
        HashSet<ulong> told = [];
        foreach (var pair in match.Pairs.Where(p => p.Old.Class is SymbolClass.Data or SymbolClass.ReadOnlyData))
            if (told.Add(pair.Old.Symbol.Value)) objects.Add(Decide(pair));
        foreach (var gone in match.Removed.Where(p => p.Class is SymbolClass.Data or SymbolClass.ReadOnlyData))
        {
            if (!told.Add(gone.Symbol.Value)) continue;
            var outcome = gone.Class == SymbolClass.Data && IsChanged(gone, out _) ? CarryOutcome.LeftBehind : CarryOutcome.Gone;
            objects.Add(new CarriedObject(gone, null, old.AddressOf(gone.Symbol), 0, outcome));
        }

        return objects;
    }

    /// <summary>Writes the new initial values to the old places.</summary>
    internal void Write()
    {
        foreach (var (address, bytes) in _writes) process.Write(address, bytes);
    }

    private CarriedObject Decide(SymbolPair pair)
    {
        var (from, to) = (old.AddressOf(pair.Old.Symbol), @new.AddressOf(pair.New.Symbol));
        var result = new CarriedObject(pair.Old, pair.New, from, to, CarryOutcome.Kept);
        if (from != to)
        {
            var isChanged = pair.Old.Class == SymbolClass.Data && IsChanged(pair.Old, out _);
            return result with { Outcome = isChanged ? CarryOutcome.ToConvert : CarryOutcome.Replaced };
        }

        // A library's variable: its first value was the library's.
        if (_copied.Contains(from)) return result;
        if (IsZero(oldFile, pair.Old.Symbol) && IsZero(newFile, pair.New.Symbol)) return result;
        var fresh = newImage.Copy(pair.New.Symbol.Value, (int)pair.New.Symbol.Size);
        if (IsChanged(pair.Old, out var initial))
            return SameMeaning(initial, fresh) ? result : result with { Outcome = CarryOutcome.KeptOverNewValue };
        if (!fresh.AsSpan().SequenceEqual(initial)) _writes.Add((from, fresh));
        return result with { Outcome = CarryOutcome.NewValue };
    }

    private bool IsChanged(ProgramSymbol one, out byte[] initial)
    {
        initial = oldImage.Copy(one.Symbol.Value, (int)one.Symbol.Size);
        var now = new byte[initial.Length];
        process.Read(old.AddressOf(one.Symbol), now);
        return !now.AsSpan().SequenceEqual(initial);
    }

    private static bool IsZero(ElfFile file, ElfSymbol symbol) => file.Sections[symbol.Section].IsZero;

    /// <summary>Equal, but for pointers to equal string literals, which each version has for itself.</summary>
    private bool SameMeaning(byte[] before, byte[] after)
    {
        if (before.AsSpan().SequenceEqual(after)) return true;
        if (before.Length % 8 != 0) return false;
        for (var at = 0; at < before.Length; at += 8)
        {
            var (a, b) = (BinaryPrimitives.ReadUInt64LittleEndian(before.AsSpan(at)), BinaryPrimitives.ReadUInt64LittleEndian(after.AsSpan(at)));
            if (a != b && !(Literal(oldFile, oldImage, old.Base, a) is { } x && x.SequenceEqual(Literal(newFile, newImage, @new.Base, b) ?? []))) return false;
        }

        return true;
    }

    private static byte[]? Literal(ElfFile file, ImageBytes image, ulong baseAddress, ulong pointer)
    {
        var section = file.SectionAt(unchecked(pointer - baseAddress));
        if (section is null || section.IsWritable || section.IsCode) return null;
        var text = image.Copy(pointer - baseAddress, (int)Math.Min(4096, section.End - (pointer - baseAddress)));
        var end = text.AsSpan().IndexOf((byte)0);
        return end < 0 ? null : text[..(end + 1)];
    }
}
