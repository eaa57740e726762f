using System.Text.RegularExpressions;
using Mvedsua.Abi.Elf;
using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Launch.Tests;

public sealed partial class InspectorTests
{
    [Theory]
    [InlineData("/lib/x86_64-linux-gnu/libc.so.6")]
    [InlineData("/lib64/ld-linux-x86-64.so.2")]
    [InlineData("/lib/x86_64-linux-gnu/libm.so.6")]
    public void It_finds_the_sites_that_objdump_finds(string library)
    {
        var objdump = SyscallLine().Count(Workbench.Run("objdump", "-d", "--no-show-raw-insn", library).Output);
        var counted = SiteCounter.Count(ElfImage.Read(library, withCode: true).Code).Syscall;
        Assert.Equal(objdump, counted);
    }

    [Fact]
    public void Its_objects_are_those_that_ldd_lists()
    {
        const string program = "/usr/bin/redis-server";
        Assert.SkipUnless(File.Exists(program), $"needs {program}");
        var found = Inspector.Inspect("redis-server");
        var listed = LddPath().Matches(Workbench.Run("ldd", program).Output).Select(m => m.Groups[1].Value).Order();
        Assert.Equal(listed, found.Objects.Skip(1).Select(o => o.Path).Order());
        Assert.Equal(program, found.Executable);
        Assert.Empty(found.Refusals);
        Assert.Contains(found.Objects, o => o is { Kind: "loader", Sites.Syscall: > 0 });
    }

    [Fact]
    public void The_libc_version_is_what_libc_says()
    {
        var banner = Workbench.Run("/lib/x86_64-linux-gnu/libc.so.6").Output;
        Assert.Contains($"release version {Inspector.Inspect("/bin/true").Libc}.", banner, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_library_is_shown_as_missing()
    {
        using var bench = new Workbench();
        bench.Compile("libgone.so", "int gone(void) { return 0; }", "-shared", "-fPIC", "-Wl,-soname,libgone.so");
        var program = bench.Compile("user", "int gone(void); int main(void) { return gone(); }", "-L" + bench.Folder, "-lgone");
        File.Delete(bench.PathOf("libgone.so"));
        Assert.Contains(Inspector.Inspect(program).Objects, o => o is { Path: "libgone.so", Kind: "missing" });
    }

    [Fact]
    public void A_static_program_is_inspected_and_refused()
    {
        using var bench = new Workbench();
        var found = Inspector.Inspect(bench.Compile("static", Workbench.Empty, "-static"));
        Assert.Equal(RefusalKind.StaticProgram, Assert.Single(found.Refusals).Kind);
        Assert.True(Assert.Single(found.Objects).Sites.Syscall > 10);
    }

    [Theory]
    [InlineData("\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f)", "/lib/x86_64-linux-gnu/libz.so.1")]
    [InlineData("\tlibz.so.1 => /opt/a b/libz.so.1 (0x00007f)", "/opt/a b/libz.so.1")]
    [InlineData("\tlibq.so => not found", "libq.so")]
    [InlineData("\t/lib64/ld-linux-x86-64.so.2 (0x00007f)", "/lib64/ld-linux-x86-64.so.2")]
    [InlineData("\tlinux-vdso.so.1 (0x00007f)", null)]
    [InlineData("\tstatically linked", null)]
    public void The_loaders_list_is_understood(string line, string? path) => Assert.Equal(path, LibraryList.Parse(line));

    [GeneratedRegex(@"\tsyscall\s*$", RegexOptions.Multiline)]
    private static partial Regex SyscallLine();

    [GeneratedRegex(@"(/\S+) \(0x")]
    private static partial Regex LddPath();
}
