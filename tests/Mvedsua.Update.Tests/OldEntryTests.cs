using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>Old function entries lead to the new code, whoever holds them; all other old code traps.</summary>
public sealed class OldEntryTests : IDisposable
{
    private const long Trap = 5; // SIGTRAP

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Libraries_call_the_new_code_through_what_they_were_given_before()
    {
        const string Old = """
            #include <signal.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <unistd.h>
            void agent(void);
            static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
            int (*kept)(const void *, const void *);
            static void leave(void) { (void)!write(2, "old", 3); }
            static void noticed(int s) { (void)s; }
            int main(void)
            {
                kept = order;
                atexit(leave);
                signal(SIGUSR1, noticed);
                agent();
                return 0;
            }
            """;
        const string New = """
            #include <signal.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <unistd.h>
            void agent(void);
            static volatile int seen;
            static void noticed(int s) { seen = s; }
            static void leave(void) { (void)!write(2, "new", 3); }
            static void also(void) { (void)!write(2, "+", 1); }
            static int order(const void *a, const void *b) { return *(const int *)b - *(const int *)a; }
            int (*kept)(const void *, const void *);
            long check(void)
            {
                int some[4] = {3, 1, 4, 2};
                qsort(some, 4, sizeof some[0], kept);
                raise(SIGUSR1);
                void (*before)(int) = signal(SIGUSR1, noticed);
                atexit(also);
                return kept == order && some[0] == 4 && some[3] == 1 && seen == SIGUSR1 && before == noticed;
            }
            int main(void) { kept = order; atexit(leave); agent(); return (int)check(); }
            """;
        using var program = new LiveProgram(_bench.CompileLive("old", Old));

        program.Update(_bench.CompileLive("new", New));

        Assert.Equal(1, program.Run("check"));
        Assert.Equal("+new", program.Exit());
    }

    [Fact]
    public void A_removed_function_traps_at_its_entry_and_is_told()
    {
        const string Old = "void agent(void); int gone(int x) { return x; } int stays(int x) { return x + 1; } int main(void) { agent(); return gone(0); }";
        const string New = "void agent(void); int stays(int x) { return x + 2; } int main(void) { agent(); return 0; }";
        using var program = new LiveProgram(_bench.CompileLive("old", Old));
        var (gone, stays) = (program.AddressOf("gone"), program.AddressOf("stays"));
        Assert.Equal(5ul, program.Call(gone, [5]));

        var result = program.Update(_bench.CompileLive("new", New));

        Assert.Equal(7ul, program.Call(stays, [5]));
        var crash = Assert.Throws<CrashException>(() => program.Call(gone, [5]));
        Assert.Equal((Trap, gone + 1), (crash.Signal, crash.Address));
        // Behind the jump, the old code is gone too.
        Assert.Equal(Trap, Assert.Throws<CrashException>(() => program.Call(stays + 5, [5])).Signal);
        Assert.Equal("gone", Assert.Single(result.RemovedFunctions).Name);
    }

    [Fact]
    public void Functions_shorter_than_a_jump_lead_to_the_new_code_too()
    {
        // Without alignment, `ret` and `xor eax,eax; ret` stand shoulder to shoulder.
        const string Old = """
            void agent(void);
            int large(int x) { for (int i = 0; i < x; i++) x += i * x; return x; }
            int zero(void) { return 0; }
            int nil(void) { return 0; }
            void nothing(void) {}
            int larger(int x) { for (int i = 0; i < x; i++) x += i ^ x; return x; }
            int main(void) { agent(); return 0; }
            """;
        const string New = """
            void agent(void);
            int large(int x) { return x; }
            int zero(void) { return 10; }
            int nil(void) { return 20; }
            void nothing(void) {}
            int larger(int x) { return -x; }
            int main(void) { agent(); return 0; }
            """;
        string[] packed = ["-g", "-O2", "-falign-functions=1", "-fno-ipa-icf", "-Wl,--emit-relocs"];
        using var program = new LiveProgram(_bench.CompileLive("old", Old, packed));
        ulong[] entries = [.. new[] { "large", "zero", "nil", "nothing", "larger" }.Select(program.AddressOf)];
        Assert.Equal((3ul, 3ul, 1ul), (entries[2] - entries[1], entries[3] - entries[2], entries[4] - entries[3]));

        program.Update(_bench.CompileLive("new", New, packed));

        Assert.Equal([4, 10, 20, -4], new[] { 0, 1, 2, 4 }.Select(i => (int)program.Call(entries[i], [4])));
        program.Call(entries[3], []); // the same in both: its one byte is left
        // and once more, through the jumps that stand apart
        program.Update(_bench.CompileLive("third", New.Replace("return 10", "return 30", StringComparison.Ordinal), packed));
        Assert.Equal([4, 30, 20, -4], new[] { 0, 1, 2, 4 }.Select(i => (int)program.Call(entries[i], [4])));
    }

    [Fact]
    public void A_function_of_one_byte_that_became_another_is_refused_by_name()
    {
        const string Old = "void agent(void); void nothing(void) {} int next(int x) { return x * 3 + 1; } int main(void) { agent(); return 0; }";
        var @new = Old.Replace("{}", "{ agent(); }", StringComparison.Ordinal);
        string[] packed = ["-O1", "-falign-functions=1", "-Wl,--emit-relocs"];
        using var program = new LiveProgram(_bench.CompileLive("old", Old, packed));
        var before = program.Mappings.Count;

        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(_bench.CompileLive("new", @new, packed)));

        Assert.Contains("nothing has 1 bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("-falign-functions", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, program.Mappings.Count);
        Assert.Equal(7, program.Run("next", 2)); // untouched
    }
}
