using System.Text.RegularExpressions;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Launch.Tests;

public sealed partial class ElfImageTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Constants_and_layouts_are_those_of_libelf()
    {
        _bench.Compile("layout", """
            #include <gelf.h>
            #include <libelf.h>
            #include <stddef.h>
            _Static_assert(EV_CURRENT == 1 && ELF_C_READ == 1 && ELF_T_DYN == 2, "enums");
            _Static_assert(sizeof(GElf_Phdr) == 56 && offsetof(GElf_Phdr, p_align) == 48, "GElf_Phdr");
            _Static_assert(sizeof(GElf_Shdr) == 64 && offsetof(GElf_Shdr, sh_entsize) == 56, "GElf_Shdr");
            _Static_assert(sizeof(GElf_Dyn) == 16, "GElf_Dyn");
            _Static_assert(sizeof(Elf_Data) == 40 && offsetof(Elf_Data, d_size) == 16, "Elf_Data");
            _Static_assert(PT_LOAD == 1 && PT_DYNAMIC == 2 && PT_INTERP == 3 && PT_NOTE == 4 && PT_GNU_PROPERTY == 0x6474e553, "PT");
            _Static_assert(DT_STRTAB == 5 && DT_STRSZ == 10 && DT_NEEDED == 1 && DT_SONAME == 14 && DT_RPATH == 15 && DT_RUNPATH == 29, "DT");
            _Static_assert(SHF_EXECINSTR == 4 && SHT_NOBITS == 8 && PF_X == 1, "flags");
            int main(void) { return 0; }
            """);
        Assert.Equal(56, System.Runtime.InteropServices.Marshal.SizeOf<LibElf.ProgramHeader>());
        Assert.Equal(64, System.Runtime.InteropServices.Marshal.SizeOf<LibElf.SectionHeader>());
        Assert.Equal(16, System.Runtime.InteropServices.Marshal.SizeOf<LibElf.DynamicEntry>());
        Assert.Equal(40, System.Runtime.InteropServices.Marshal.SizeOf<LibElf.Data>());
    }

    [Theory]
    [InlineData("/usr/bin/redis-server")]
    [InlineData("/usr/sbin/nginx")]
    [InlineData("/usr/bin/memcached")]
    [InlineData("/bin/bash")]
    [InlineData("/lib/x86_64-linux-gnu/libcrypto.so.3")]
    public void What_it_reads_is_what_readelf_reads(string path)
    {
        Assert.SkipUnless(File.Exists(path), $"needs {path}");
        var image = ElfImage.Read(path);
        var dynamic = Workbench.Run("readelf", "-dW", path).Output;
        var headers = Workbench.Run("readelf", "-lW", path).Output;
        var notes = Workbench.Run("readelf", "-nW", path).Output;

        Assert.Equal(NeededLine().Matches(dynamic).Select(m => m.Groups[1].Value), image.Needed);
        Assert.Equal(SonameLine().Match(dynamic) is { Success: true } s ? s.Groups[1].Value : null, image.SoName);
        Assert.Equal(InterpreterLine().Match(headers) is { Success: true } i ? i.Groups[1].Value : null, image.Interpreter);
        Assert.Equal(BuildIdLine().Match(notes) is { Success: true } b ? b.Groups[1].Value : null, image.BuildId);
        Assert.True(image.IsDynamic);
        Assert.False(image.IsGo);
    }

    [Fact]
    public void A_program_without_section_headers_is_read_by_its_segments()
    {
        var path = _bench.Compile("stripped", Workbench.Empty);
        var bytes = File.ReadAllBytes(path);
        bytes.AsSpan(40, 8).Clear(); // e_shoff
        bytes.AsSpan(58, 6).Clear(); // e_shentsize, e_shnum, e_shstrndx
        var image = ElfImage.Read(_bench.Write("nosections", bytes), withCode: true);
        Assert.Equal("/lib64/ld-linux-x86-64.so.2", image.Interpreter);
        Assert.Equal(["libc.so.6"], image.Needed);
        Assert.Equal("segment", Assert.Single(image.Code).Name);
    }

    [Fact]
    public void The_run_path_and_the_shadow_stack_mark_are_read()
    {
        var marked = ElfImage.Read(_bench.Compile("marked", Workbench.Empty, "-Wl,-z,shstk", "-Wl,-rpath,/opt/here"));
        var plain = ElfImage.Read(_bench.Compile("plain", Workbench.Empty));
        Assert.True(marked.HasShadowStack);
        Assert.Equal("/opt/here", marked.RunPath);
        Assert.False(plain.HasShadowStack);
        Assert.Null(plain.RunPath);
    }

    [GeneratedRegex(@"\(NEEDED\).*\[(.*)\]")]
    private static partial Regex NeededLine();

    [GeneratedRegex(@"\(SONAME\).*\[(.*)\]")]
    private static partial Regex SonameLine();

    [GeneratedRegex(@"interpreter: (.*)\]")]
    private static partial Regex InterpreterLine();

    [GeneratedRegex(@"Build ID: ([0-9a-f]+)")]
    private static partial Regex BuildIdLine();
}
