using System.Buffers.Binary;

namespace Mvedsua.Abi.Elf;

/// <summary>The notes that matter here: Go's build id, the GNU build id, the x86 feature bits, the shim's own. A damaged note is
/// skipped with those behind it: the kernel's loader does the same.</summary>
internal static class ElfNotes
{
    private const uint GnuBuildId = 3, GnuPropertyType0 = 5, GoBuildId = 4;
    private const uint ShimLayout = 1; // MV_NOTE_LAYOUT, native/shim/abi_note.c
    private const uint X86Feature1And = 0xc0000002; // GNU_PROPERTY_X86_FEATURE_1_AND
    private const uint ShadowStack = 2; // GNU_PROPERTY_X86_FEATURE_1_SHSTK

    internal static void Read(ElfImage image, ReadOnlySpan<byte> notes, bool aligned8)
    {
        var alignment = aligned8 ? 8 : 4;
        while (notes.Length >= 12)
        {
            var nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            var size = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            var type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            var start = Align(12L + nameSize, alignment);
            if (start + size > notes.Length) return;
            Visit(image, notes.Slice(12, (int)nameSize), type, notes.Slice((int)start, (int)size));
            var next = Align(start + size, alignment);
            if (next >= notes.Length) return;
            notes = notes[(int)next..];
        }
    }

    private static void Visit(ElfImage image, ReadOnlySpan<byte> name, uint type, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual("Go\0\0"u8) && type == GoBuildId) image.IsGo = true;
        if (name.SequenceEqual("Mvedsua\0"u8) && type == ShimLayout && value.Length == 4)
            image.ShimLayout = BinaryPrimitives.ReadUInt32LittleEndian(value);
        if (!name.SequenceEqual("GNU\0"u8)) return;
        if (type == GnuBuildId) image.BuildId = Convert.ToHexStringLower(value);
        if (type != GnuPropertyType0) return;
        while (value.Length >= 8)
        {
            var property = BinaryPrimitives.ReadUInt32LittleEndian(value);
            var size = BinaryPrimitives.ReadUInt32LittleEndian(value[4..]);
            if (size > value.Length - 8) return;
            if (property == X86Feature1And && size >= 4)
                image.HasShadowStack = (BinaryPrimitives.ReadUInt32LittleEndian(value[8..]) & ShadowStack) != 0;
            var next = Align(8L + size, 8);
            if (next >= value.Length) return;
            value = value[(int)next..];
        }
    }

    private static long Align(long value, int to) => (value + to - 1) & -to;
}
