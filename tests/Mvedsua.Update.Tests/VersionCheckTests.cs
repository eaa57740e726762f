using CsCheck;
using Mvedsua.Abi.Elf;
using Mvedsua.Tests;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>Files that can't be linked into a running version are refused by name, with the cure, before a process is touched.</summary>
public sealed class VersionCheckTests : IDisposable
{
    private const string Old = "int printf(const char *, ...); static int count; static int step(int x) { return count += x; } int (*held)(int) = step; int main(int c, char **v) { (void)v; return printf(\"%d\", held(c)) + step(1); }";
    private const string New = "int printf(const char *, ...); static int more, count; static int step(int x) { more++; return count += x + more; } int (*held)(int) = step; int main(int c, char **v) { (void)v; return printf(\"%d\", held(c)) + step(1); }";

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("-g -O2", "without its relocations", "-Wl,--emit-relocs")]
    [InlineData("-g -O2 -Wl,--emit-relocs -fno-pie -no-pie", "not a position-independent executable", "-fPIE")]
    [InlineData("-g -O2 -Wl,--emit-relocs -static-pie", "linked statically", "without -static")]
    [InlineData("-g -O2 -Wl,--emit-relocs -flto", "optimised at link time", "-flto")]
    [InlineData("-O2 -s", "stripped of its symbol table", "as it was linked")]
    public void How_the_new_version_was_built(string flags, string why, string cure)
    {
        var refusal = Refused(Old, Workbench.Ordinary, New, flags.Split(' '));
        Assert.Contains(why, refusal, StringComparison.Ordinal);
        Assert.Contains(cure, refusal, StringComparison.Ordinal);
        Assert.Contains(_bench.PathOf("new"), refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void The_old_version_too() =>
        Assert.Contains("without its relocations", Refused(Old, ["-g", "-O2"], New, Workbench.Ordinary), StringComparison.Ordinal);

    [Fact]
    public void The_same_version_under_another_name()
    {
        var old = _bench.Compile("old", Old, Workbench.Ordinary);
        File.Copy(old, _bench.PathOf("copy"));
        var (file, copy) = (ElfFile.Read(old), ElfFile.Read(_bench.PathOf("copy")));
        Assert.Contains("runs already",
            Assert.Throws<UpdateRefusedException>(() => Relinker.Prepare(LinkedImage.First(file, 0x555500000000), file, copy)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_file_that_was_replaced_since_the_process_was_started()
    {
        var (old, @new) = (ElfFile.Read(_bench.Compile("old", Old, Workbench.Ordinary)), ElfFile.Read(_bench.Compile("new", New, Workbench.Ordinary)));
        var image = LinkedImage.First(@new, 0x10000);
        Assert.Contains("not the file any more", Assert.Throws<UpdateRefusedException>(() => Relinker.Prepare(image, old, @new)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Places_that_are_another_files()
    {
        var (old, @new) = (ElfFile.Read(_bench.Compile("old", Old, Workbench.Ordinary)), ElfFile.Read(_bench.Compile("new", New, Workbench.Ordinary)));
        var json = LinkedImage.First(old, 0x555500000000).ToJson().Replace("\"Elsewhere\":[]", "\"Elsewhere\":[{\"Index\":99999,\"Address\":1}]", StringComparison.Ordinal);
        Assert.Contains("does not fit", Assert.Throws<UpdateRefusedException>(() => Relinker.Prepare(LinkedImage.FromJson(json), old, @new)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("__thread int a, b;", "__thread int b, a;", "another place or size")]
    [InlineData("__thread int a, b;", "__thread int a, b, c;", "is new")]
    [InlineData("__thread int a, b;", "__thread int a;", "is gone")]
    [InlineData("__thread int a;", "__thread int a = 4;", "began as zero")]
    [InlineData("__thread int a;", "__thread int a __attribute__((aligned(64)));", "alignment")]
    public void Thread_locals_laid_out_otherwise(string before, string after, string why)
    {
        const string Use = "int use(void) { return a; } ";
        Assert.Contains(why, Refused(before + Use + Old, Workbench.Ordinary, after + Use + New, Workbench.Ordinary), StringComparison.Ordinal);
    }

    [Fact]
    public void Statics_that_only_debug_information_tells_apart()
    {
        const string Two = "int f(void) { static int calls; return ++calls; } int g(void) { static int calls; return calls += 2; } ";
        var refusal = Refused(Two + Old, Workbench.Ordinary, Two + New, Workbench.Ordinary);
        Assert.Contains("calls.1, calls.0 (program.c)", refusal, StringComparison.Ordinal);
        Assert.Contains("-g", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_functions_that_were_one_when_a_pointer_could_mean_either()
    {
        const string Before = "static int f(int x) { return x * 7 + 1; } int g(int) __attribute__((alias(\"f\"))); int (*p)(int) = f; ";
        const string After = "static int f(int x) { return x * 7 + 1; } int g(int x) { return x; } int (*p)(int) = f; ";
        using var program = new LiveProgram(_bench.CompileLive("old", "void agent(void); " + Before + Old.Replace("int main(int c, char **v) {", "int main(int c, char **v) { agent();", StringComparison.Ordinal)));
        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(_bench.CompileLive("new", "void agent(void); void (*a)(void) = agent; " + After + New)));
        Assert.Contains("are one function, and two in the new version", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("-fno-ipa-icf", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Libraries_and_functions_that_the_process_lacks()
    {
        var old = _bench.CompileLive("old", "void agent(void); int main(void) { agent(); return 0; }");
        using var program = new LiveProgram(old);
        var another = _bench.Compile("libmore.so", "int more(void) { return 1; }", "-shared", "-fPIC", "-Wl,-soname,libmore.so");
        const string User = "void agent(void); int more(void); int main(void) { agent(); return more(); }";
        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(_bench.CompileLive("new", User, [.. Workbench.Ordinary, another])));
        Assert.Contains("needs libmore.so, which the old version did not load", refusal.Message, StringComparison.Ordinal);
        // A library that was newer when the program was linked.
        var newer = _bench.Compile("newer.so", "void agent(void) {} int more(void) { return 1; }", "-shared", "-fPIC", $"-Wl,-soname,{_bench.PathOf("libagent.so")}");
        refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(_bench.CompileLive("later", User, [.. Workbench.Ordinary, newer])));
        Assert.Contains("needs more, which no library of the process has", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_new_version_is_linked_or_refused()
    {
        string[] flags = ["-O2", "-Wl,--emit-relocs"];
        var old = ElfFile.Read(_bench.Compile("old", Old, flags));
        var @new = File.ReadAllBytes(_bench.Compile("new", New, flags));
        var image = LinkedImage.First(old, 0x555500000000);
        var refused = 0;
        Fuzzing.Damaged(Gen.Const(@new)).SampleUntil(bytes =>
        {
            try
            {
                Relinker.Prepare(image, old, ElfFile.Parse("damaged", bytes));
            }
            catch (Exception e) when (e is ElfException or UpdateRefusedException)
            {
                refused++;
            }
        }, () => refused > 0, Fuzzing.Seconds);
        Assert.True(refused > 0, "nothing was refused: is anything checked?");
    }

    private string Refused(string old, string[] oldFlags, string @new, string[] newFlags)
    {
        var oldFile = ElfFile.Read(_bench.Compile("old", old, oldFlags));
        var newFile = ElfFile.Read(_bench.Compile("new", @new, newFlags));
        return Assert.Throws<UpdateRefusedException>(() => Relinker.Prepare(LinkedImage.First(oldFile, 0x555500000000), oldFile, newFile)).Message;
    }
}
