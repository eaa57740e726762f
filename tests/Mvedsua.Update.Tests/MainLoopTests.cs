using System.Text.RegularExpressions;

namespace Mvedsua.Update.Tests;

/// <summary>Where a new version goes on of which no description says it: real programs that wait (in agent()) somewhere below main.</summary>
public sealed class MainLoopTests : IDisposable
{
    private const string Begin = """
        #include <stdint.h>
        #include <stdlib.h>
        void agent(void);
        void agent_loop(void (*turn)(void));
        enum mode { IDLE = 3, BUSY = -9 };
        struct server { long turns, most; int port; };
        struct server server = { 0, 1000, 17 };
        volatile long seen[8]; volatile int version, prepared, ready = 1, kind = 2;
        #define APART __attribute__((noinline, noclone))
        APART void prepare(void) { prepared++; }
        APART void called(void) { seen[7] += 3; }

        """;

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    private string Compile(string name, string text, params string[] flags) => _bench.CompileLive(name, Begin + text, ["-g", "-Wl,--emit-relocs", "-w", .. flags]);

    /// <summary>Waits in its loop, and says in <c>seen</c> what it was called with.</summary>
    private static string Loop(string parameters, string see, string uses, string main, int version = 1, string before = "") => $$"""
        APART void serve({{parameters}}) {
            {{(version == 1 ? "" : $"version = {version}; {see}")}}
            {{before}}
            while (server.turns < server.most) { agent(); server.turns++; {{uses}} }
        }
        int main(int argc, char **argv) { {{main}} return 0; }
        """;

    /// <summary>Updates it without a description, lets it go on, and tells what the function was called with.</summary>
    private (string Inferred, long[] Seen) Update(string old, string @new, params string[] flags)
    {
        using var program = new LiveProgram(Compile("old", old, flags));
        var outcome = program.Update(Compile("new", @new, flags), description: null);
        program.GoOn(Assert.Single(outcome.Steps));
        program.Stop();
        Assert.Equal(2, program.ReadInt("version"));
        var seen = new long[8];
        program.Read(program.AddressOf("seen"), System.Runtime.InteropServices.MemoryMarshal.AsBytes(seen.AsSpan()));
        Assert.Equal((1, 0L), (program.ReadInt("ready"), BitConverter.ToInt64(Bytes(program, "server", 8))));
        return (outcome.Inferred!, seen);
    }

    private static byte[] Bytes(LiveProgram program, string variable, int count)
    {
        var bytes = new byte[count];
        program.Read(program.AddressOf(variable), bytes);
        return bytes;
    }

    /// <summary>The update is refused, and the copy is as it was: it goes on in its old version.</summary>
    private string Refused(string old, string @new, params string[] flags)
    {
        using var program = new LiveProgram(Compile("old", old, flags));
        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(Compile("new", @new, flags), description: null)).Message;
        program.GoOn();
        program.Stop();
        Assert.Equal(1, BitConverter.ToInt64(Bytes(program, "server", 8)));
        var known = Regex.Match(refusal, @"^where \S+/new goes on is not known: (.*)\. Name the function of its main loop in a description \('resume serve\(&server\)'\)$");
        Assert.True(known.Success, refusal);
        return known.Groups[1].Value;
    }

    private const string Six = "struct server *s, int port, unsigned char small, long large, enum mode mode, void (*f)(void)";
    private const string SeeSix = "seen[0] = (long)s; seen[1] = port; seen[2] = small; seen[3] = large; seen[4] = mode; f();";
    private const string UseSix = "s->port += port + small + large + mode; if (s->port == 12345) f();";
    private const string CallSix = "serve(&server, -argc, 255, -5000000000, BUSY, called);";

    /// <summary>In registers or on the stack, as the compiler likes.</summary>
    [Theory]
    [InlineData("-O0")]
    [InlineData("-O1")]
    [InlineData("-O2")]
    [InlineData("-O3")]
    [InlineData("-Os")]
    [InlineData("-O2", "-fno-omit-frame-pointer", "-fcf-protection=full")]
    [InlineData("-O0", "-fomit-frame-pointer")]
    [InlineData("-Og", "-gdwarf-4", "-falign-functions=16")]
    public void The_function_below_main_is_called_anew_with_the_values_of_its_parameters(params string[] flags)
    {
        var (inferred, seen) = Update(Loop(Six, SeeSix, UseSix, CallSix), Loop(Six, SeeSix, UseSix, CallSix, version: 2), flags);
        Assert.Equal([-1, 255, -5000000000, -9], seen[1..5]);
        Assert.Equal(3, seen[7]);
        Assert.Matches($@"^goes on in serve\(s=0x{seen[0]:x}, port=-1, small=255, large=-5000000000, mode=-9, f=0x[0-9a-f]+\), the function below main in which the old version waits \(inferred; a description's ""resume"" says otherwise\)$", inferred);
    }

    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void A_static_function_that_waits_deeper_goes_on_with_what_its_parameter_is_by_now(string flag)
    {
        const string deep = "APART static void wait_for_work(void) { agent(); seen[6]++; }\n";
        var loop = (int version) => deep + $$"""
            APART static int serve(const char *name, struct server *own, int left) {
                {{(version == 2 ? "version = 2; seen[0] = *name; seen[1] = own->most; seen[2] = left;" : "")}}
                for (; left > 0; left--) { wait_for_work(); if (*name == '!' || own->most < 0) break; server.turns++; }
                return left;
            }
            int main(int argc, char **argv) { struct server own = { argc, 77 }; prepare(); return serve(argv[0], &own, argc + 9); }
            """;
        using var program = new LiveProgram(Compile("old", loop(1), flag));
        program.GoOn();
        program.Stop(); // one turn
        var outcome = program.Update(Compile("new", loop(2), flag), description: null);
        Assert.True(outcome.HasStatus);
        program.GoOn(Assert.Single(outcome.Steps));
        program.Stop();
        var seen = new long[3];
        program.Read(program.AddressOf("seen"), System.Runtime.InteropServices.MemoryMarshal.AsBytes(seen.AsSpan()));
        Assert.Equal(['/', 77, 9], seen);
        Assert.Equal((2, 1), (program.ReadInt("version"), program.ReadInt("prepared")));
    }

    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void A_function_without_parameters_is_called_without_any(string flag)
    {
        var (inferred, _) = Update(Loop("void", "", "", "serve();"), Loop("void", "", "", "serve();", version: 2), flag);
        Assert.StartsWith("goes on in serve(), the function below main", inferred, StringComparison.Ordinal);
    }

    /// <summary>Main's call says what it was: an address, a number, what main itself was called with.</summary>
    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    [InlineData("-O2", "-gdwarf-4")]
    public void A_parameter_that_is_needed_before_the_loop_only_is_what_main_has_passed(params string[] flags)
    {
        const string parameters = "struct server *s, int port, char **words, int count";
        var loop = (int version) => Loop(parameters, "seen[0] = s->port; seen[1] = port; seen[2] = **words; seen[3] = count;", "", "serve(&server, 18, argv, argc + 4);", version: version,
            before: "s->port = port + **words * 0 + count * 0;");
        Assert.Equal([18, 18, '/', 5], Update(loop(1), loop(2), flags).Seen[..4]);
    }

    /// <summary>The value was needed before the loop only, and main has it no more: it is nowhere.</summary>
    [Fact]
    public void A_parameter_that_is_optimised_out_is_refused_by_name()
    {
        var loop = (int version) => Loop("int port, struct server *s", "", "s->most++;", "serve(kind + 16, &server);", version: version, before: "s->port = port;");
        Assert.Equal("the main thread waits in serve(), the function below main: the parameter port of serve() is optimised out where it waits, and what was passed is not known either", Refused(loop(1), loop(2), "-O2"));
    }

    [Theory]
    [InlineData("prepare();", "-O0", "prepare()")]
    [InlineData("prepare();", "-O2", "prepare()")]
    [InlineData("if (__builtin_expect(!ready, 0)) prepare();", "-O2", "prepare()")] /* its code stands behind the loop's */
    [InlineData("free(malloc(kind));", "-O0", "malloc()")] /* of a library */
    [InlineData("if (kind > 0) prepare(); else ready = 1;", "-O1", "prepare()")]
    [InlineData("switch (kind) { case 0: ready += 3; break; case 1: kind = 7; break; case 2: prepare(); break; case 3: version *= 3; break; case 4: kind = 0; break; case 5: ready *= 9; }", "-O1", "prepare()")] /* by a table */
    public void A_call_before_the_loop_would_be_made_again_and_is_refused_by_name(string before, string flag, string name)
    {
        var loop = (int version) => Loop("struct server *s", "", "s->most++;", "serve(&server);", version: version, before: before);
        Assert.Equal($"the main thread waits in serve(), the function below main: serve() calls {name} before its loop, and would do so again", Refused(loop(1), loop(2), flag));
    }

    /// <summary>Calls in the loop, behind it, or on ways that don't lead to it, are no matter.</summary>
    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void Calls_that_do_not_lead_to_the_loop_are_allowed(string flag)
    {
        const string before = "if (s->most < 0) { prepare(); return; } s->most++;", uses = "if (kind == 9) prepare(); switch (kind) { case 0: called(); break; case 1: kind = 7; break; case 3: version *= 3; break; case 4: prepare(); case 5: ready *= 9; }";
        var loop = (int version) => Loop("struct server *s", "seen[0] = s->port;", uses, "serve(&server);", version: version, before: before);
        Assert.Equal(17, Update(loop(1), loop(2), flag).Seen[0]);
    }

    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void A_function_that_waits_in_no_loop_of_its_own_is_refused_by_name(string flag)
    {
        const string program = """
            APART void serve(struct server *s) { agent(); s->turns++; for (int i = 0; i < 3; i++) agent(); }
            int main(void) { serve(&server); return 0; }
            """;
        Assert.Equal("the main thread waits in serve(), the function below main: serve() stands in no loop of its own", Refused(program, program + " int more;", flag));
    }

    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void A_library_s_loop_below_main_is_refused_by_name(string flag)
    {
        const string program = """
            APART void turn(void) { agent(); server.turns++; }
            int main(void) { agent_loop(turn); return 0; }
            """;
        Assert.Equal("main waits in a function that is not the program's own (it is in libagent.so)", Refused(program, program + " int more;", flag));
    }

    /// <summary>The loop in which it waits is that of one turn: it returns, and the program would end.</summary>
    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void A_loop_of_main_around_the_function_in_which_it_waits_is_refused_by_name(string flag)
    {
        const string program = """
            APART void serve(struct server *s) { do { agent(); s->turns++; } while (s->turns % 3 == 1); }
            int main(void) { while (server.turns < server.most) serve(&server); return 0; }
            """;
        Assert.Equal("main itself has the loop: it may call serve(), in which the main thread waits, again", Refused(program, program + " int more;", flag));
    }

    /// <summary>What stands behind a call of exit belongs to another way.</summary>
    [Theory]
    [InlineData("-O0")]
    [InlineData("-O1")]
    [InlineData("-O2")]
    public void A_main_that_exits_behind_the_loop_has_no_loop(string flag)
    {
        const string main = "again: if (kind == 1) { kind = ready; goto again; } if (ready) { prepare(); serve(); exit(0); } called(); goto again;";
        Assert.StartsWith("goes on in serve(), the function below main", Update(Loop("void", "", "", main), Loop("void", "", "", main, version: 2), flag).Inferred, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-O0")]
    [InlineData("-O2")]
    public void A_main_that_waits_itself_is_refused_by_name(string flag)
    {
        const string program = "int main(void) { for (;;) { agent(); server.turns++; } return 0; }";
        Assert.Equal("main itself makes the call in which the main thread waits", Refused(program, program + " int more;", flag));
    }

    [Theory]
    [InlineData("struct server *s", "struct server *s, int more", "serve(&server, 1);", "the main thread waits in void serve(struct server *), the function below main, which is void serve(struct server *, int) in the new version")]
    [InlineData("struct server *s", "int s", "serve(1);", "the main thread waits in void serve(struct server *), the function below main, which is void serve(int) in the new version")]
    [InlineData("int s", "long s", "serve(1);", "the main thread waits in void serve(int), the function below main, which is void serve(long int) in the new version")]
    [InlineData("int s, double d", "int s, double d", "serve(1, 0.5);", "the main thread waits in void serve(int, double), the function below main: only integers and pointers can be passed to it, at most 6")]
    [InlineData("int a, int b, int c, int d, int e, int f, int g", "int a, int b, int c, int d, int e, int f, int g", "serve(1, 2, 3, 4, 5, 6, 7);", "the main thread waits in void serve(int, int, int, int, int, int, int), the function below main: only integers and pointers can be passed to it, at most 6")]
    public void Other_parameters_are_refused_with_both_declarations(string old, string @new, string main, string expected)
    {
        var before = main.Replace(", 1)", ")", StringComparison.Ordinal);
        if (old == "struct server *s") before = "serve(&server);";
        Assert.Equal(expected, Refused(Loop(old, "", "", before), Loop(@new, "", "", main, version: 2), "-O0"));
    }

    [Fact]
    public void A_function_that_the_new_version_has_not_is_refused_by_name()
    {
        var loop = Loop("void", "", "", "serve();");
        Assert.Equal("the main thread waits in serve(), the function below main, which the new version does not have",
            Refused(loop, loop.Replace("serve(", "attend(", StringComparison.Ordinal), "-O0"));
    }

    /// <summary>What the compiler has made of it takes what it likes.</summary>
    [Fact]
    public void A_variant_that_the_compiler_has_made_is_refused_by_name()
    {
        const string program = """
            static __attribute__((noinline)) void serve(struct server *s, int port) { while (s->turns < 1000) { agent(); s->turns += port - 16; } }
            int main(void) { serve(&server, 17); return 0; }
            """;
        Assert.Matches(@"^the main thread waits in serve\.\S+\(\), the function below main: serve\.\S+ is a part or a variant of a function that the compiler has made$", Refused(program, program + " int more;", "-O2"));
    }

    [Fact]
    public void A_function_of_a_file_without_debug_information_is_refused_by_name()
    {
        const string main = "extern void serve(void); int main(void) { serve(); return 0; }", loop = "void agent(void); extern struct { long turns; } server; void serve(void) { for (;;) { agent(); server.turns++; } }";
        var folder = Directory.CreateDirectory(_bench.PathOf("bare")).FullName;
        File.WriteAllText(Path.Combine(folder, "loop.c"), loop);
        var made = System.Diagnostics.Process.Start("gcc", ["-c", "-fPIE", "-O2", "-o", Path.Combine(folder, "loop.o"), Path.Combine(folder, "loop.c")]);
        made.WaitForExit();
        Assert.Equal("the main thread waits in serve(), the function below main: of serve() there is no debug information",
            Refused(main, main + " int more;", "-O2", Path.Combine(folder, "loop.o")));
    }

    /// <summary>Objects that only the old main's frame leads to are found by nobody.</summary>
    [Fact]
    public void A_parameter_that_leads_to_a_changed_type_is_refused_by_name()
    {
        const string old = "struct item { int a; }; struct list { struct item *first; };\n", @new = "struct item { int b, a; }; struct list { struct item *first; };\n";
        var loop = (int version) => Loop("struct list *l", "", "if (l->first->a > 9) break;", "struct item i = { 1 }; struct list l = { &i }; serve(&l);", version: version);
        Assert.Equal("the main thread waits in void serve(struct list *), the function below main, and the struct list * that it was given leads to a type that has changed",
            Refused(old + loop(1), @new + loop(2), "-O0"));
    }

    /// <summary>Its variable has another place in the new version; to the middle of it there is no way.</summary>
    [Theory]
    [InlineData("first", true)]
    [InlineData("second", false)]
    public void A_pointer_to_what_was_converted_is_moved_or_refused(string field, bool isPossible)
    {
        const string old = "struct pair { long first, second; } pair = { 5, 6 };\n", @new = "struct pair { long first, second, third; } pair;\n";
        var loop = (int version) => Loop("long *at", "seen[0] = (long)at; seen[1] = *at; seen[2] = (long)&pair;", "(*at)++;", $"pair.second = 8; serve(&pair.{field});", version: version);
        if (!isPossible)
        {
            using var program = new LiveProgram(Compile("old", old + loop(1), "-O0"));
            var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(Compile("new", @new + loop(2), "-O0"), description: null)).Message;
            Assert.Contains("was given a pointer (at=0x", refusal, StringComparison.Ordinal);
            return;
        }

        var (_, seen) = Update(old + loop(1), @new + loop(2), "-O0");
        Assert.Equal((seen[2], 5), (seen[0], seen[1]));
    }

    [Fact]
    public void A_pointer_to_a_variable_of_the_call_that_ends_is_refused_by_name()
    {
        const string loop = "APART void serve(long *at) { long own = 0; at = &own; while (server.turns < 99) { agent(); server.turns++; (*at)++; } } int main(void) { serve(&server.turns); return 0; }";
        Assert.Equal("the main thread waits in serve(), the function below main: the parameter at of serve() points to a variable of that call, which ends", Refused(loop, loop + " int more;", "-O0"));
    }
}
