using CsCheck;
using Mvedsua.Abi.Elf;
using Mvedsua.Tests;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Tests;

/// <summary>The executable of a version is read as the linker wrote it; a damaged one is refused and never crashes the reader.</summary>
public sealed class ElfFileTests : IDisposable
{
    private const string Source = """
        #include <stdio.h>
        #include <stdlib.h>
        static int counts[10];
        __thread int mine = 4;
        static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
        int (*order)(const void *, const void *) = compare;
        int main(int argc, char **argv)
        {
            qsort(counts, 10, sizeof counts[0], order);
            fprintf(stdout, "%d %s\n", counts[argc] + mine, argv[0]);
            return 0;
        }
        """;

    private readonly Workbench _bench = new();
    private readonly string _path;

    public ElfFileTests() => _path = _bench.Compile("program", Source, [.. Workbench.Ordinary, "-Wl,--build-id=0x1234abcd"]);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Symbols_have_their_section_size_and_source_order()
    {
        var file = ElfFile.Read(_path);

        var counts = file.Symbols.Single(s => s.Name == "counts");
        Assert.Equal((SymbolKind.Data, 40ul, true), (counts.Kind, counts.Size, counts.IsLocal));
        Assert.Equal(".bss", file.Sections[counts.Section].Name);
        Assert.Equal(file.Sections[counts.Section], file.SectionAt(counts.Value));
        Assert.Equal(SymbolKind.ThreadLocal, file.Symbols.Single(s => s.Name == "mine").Kind);
        Assert.Equal(4ul, file.ThreadLocals?.FileSize);
        Assert.True(file.IsPositionIndependentExecutable);
        Assert.Equal("1234abcd", file.BuildId);
        Assert.Equal(file.Entry, file.Symbols.Single(s => s.Name == "_start").Value);
    }

    [Fact]
    public void Dynamic_symbols_have_the_version_that_they_ask_for()
    {
        var file = ElfFile.Read(_path);

        Assert.Equal("GLIBC_2.2.5", file.DynamicSymbols.Single(s => s.Name == "qsort").Version);
        Assert.Equal("GLIBC_2.34", file.DynamicSymbols.Single(s => s.Name == "__libc_start_main").Version);
        Assert.Null(file.DynamicSymbols.Single(s => s.Name == "__gmon_start__").Version);
        Assert.Equal("GLIBC_2.2.5", file.Symbols.Single(s => s.Name == "stdout").Version);
    }

    [Fact]
    public void Relocations_of_both_kinds_are_there()
    {
        var file = ElfFile.Read(_path);
        var text = file.Sections.Single(s => s.Name == ".text");
        var data = file.Sections.Single(s => s.Name == ".data");
        var order = file.Symbols.Single(s => s.Name == "order");
        var compare = file.Symbols.Single(s => s.Name == "compare");

        Assert.Contains(file.StaticRelocations[text.Index], r => r.Type == RelocationType.Pc32 && r.Symbol == order.Index);
        var word = file.StaticRelocations[data.Index].Single(r => r.Offset == order.Value);
        Assert.Equal(RelocationType.Word64, word.Type);
        Assert.Equal(compare.Value, file.Symbols[word.Symbol].Value + (ulong)word.Addend);
        Assert.Contains(file.DynamicRelocations, r => r.Type == RelocationType.Relative && r.Offset == order.Value);
        Assert.Contains(file.DynamicRelocations, r => r.Type == RelocationType.JumpSlot && file.DynamicSymbols[r.Symbol].Name == "qsort");
        Assert.Contains(file.DynamicRelocations, r => r.Type == RelocationType.Copy && file.DynamicSymbols[r.Symbol].Name == "stdout");
    }

    [Fact]
    public void Packed_relative_relocations_are_those_that_unpacked_ones_would_be()
    {
        var packed = ElfFile.Read(_bench.Compile("packed", Source, [.. Workbench.Ordinary, "-Wl,-z,pack-relative-relocs"]));

        var word = packed.Symbols.Single(s => s.Name == "order").Value;
        var relocation = packed.DynamicRelocations.Single(r => r.Offset == word);
        Assert.Equal(RelocationType.Relative, relocation.Type);
        Assert.Equal(packed.Symbols.Single(s => s.Name == "compare").Value, (ulong)relocation.Addend);
    }

    [Fact]
    public void A_file_that_is_no_program_is_refused_with_its_path()
    {
        var text = _bench.PathOf("notes.txt");
        File.WriteAllText(text, "hello");
        var refusal = Assert.Throws<UpdateRefusedException>(() => ElfFile.Read(text));
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("not an ELF file", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("can't be read", Assert.Throws<UpdateRefusedException>(() => ElfFile.Read(_bench.PathOf("none"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_read_or_refused()
    {
        // Without debug information: damage is to hit what is read.
        var program = File.ReadAllBytes(_bench.Compile("small", Source, "-O2", "-Wl,--emit-relocs"));
        var refused = 0;
        Fuzzing.Damaged(Gen.Const(program)).SampleUntil(bytes =>
        {
            try
            {
                _ = ElfFile.Parse("damaged", bytes).Extent;
            }
            catch (ElfException)
            {
                refused++;
            }
        }, () => refused > 0, Fuzzing.Seconds);
        Assert.True(refused > 0, "nothing was refused: is anything checked?");
    }

    [Fact]
    public void Every_word_of_the_headers_damaged_is_read_or_refused()
    {
        var program = File.ReadAllBytes(_path);
        var sections = (int)BitConverter.ToUInt64(program, 40);
        int[] words = [.. Enumerable.Range(0, (64 + (56 * 13)) / 4).Select(i => i * 4), .. Enumerable.Range(0, (program.Length - sections) / 8).Select(i => sections + (i * 8))];
        var refused = 0;
        foreach (var at in words)
        {
            foreach (var value in (uint[])[0, 1, 0x7fffffff, 0xffffffff])
            {
                var damaged = (byte[])program.Clone();
                BitConverter.TryWriteBytes(damaged.AsSpan(at), value);
                try
                {
                    _ = ElfFile.Parse("damaged", damaged);
                }
                catch (ElfException)
                {
                    refused++;
                }
            }
        }

        Assert.True(refused > 300, $"only {refused} were refused: is anything checked?");
    }
}
