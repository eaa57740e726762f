using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>Every kind of reference of the new code leads where it must.</summary>
public sealed class BindingTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("-g")]
    [InlineData("-rdynamic")]
    public void Switches_computed_jumps_weak_hidden_and_indirect_functions(string flag)
    {
        const string Common = """
            #include <stdlib.h>
            #include <string.h>
            void agent(void);
            extern int missing(void) __attribute__((weak));
            extern char **environ;
            __attribute__((visibility("hidden"))) int hidden = 4;
            __attribute__((weak)) int soft(int x) { return x + VERSION; }
            static int plain(int x) { return x * VERSION; }
            static int other(int x) { return x * VERSION + 1; }
            static volatile int wanted;
            static void *choose(void) { return wanted ? other : plain; }
            int chosen(int x) __attribute__((ifunc("choose")));
            int (*through)(int) = chosen;
            struct { int (*f)(int); size_t (*length)(const char *); int *counter; } held;
            static int counter;
            int decide(int x)
            {
                switch (x) {
                case 0: return hidden;
                case 1: abort();
                case 2: return soft(x);
                case 3: return (int)strlen("three");
                case 4: return counter++;
                case 5: return x * VERSION;
                case 6: return missing ? missing() : -1;
                default: return 1000;
                }
            }
            int run(const char *program)
            {
                static const void *const steps[] = {&&end, &&add, &&twice};
                int value = 1;
                goto *steps[*program++ - '0'];
            add: value += VERSION; goto *steps[*program++ - '0'];
            twice: value *= 2; goto *steps[*program++ - '0'];
            end: return value;
            }
            """;
        var old = _bench.CompileLive("old", Common + """
            int main(void)
            {
                held.f = chosen; held.length = strlen; held.counter = &counter;
                for (int i = 0; i < 3; i++) decide(4);
                hidden = 44;
                agent();
                return run("0");
            }
            """, [.. Workbench.Ordinary, flag, "-DVERSION=1"]);
        var @new = _bench.CompileLive("new", "static int first[9] = {1}; int *get(int i) { return first + i; }\n" + Common + """
            long check(void)
            {
                long wrong = 0;
                if (decide(0) != 44 || decide(2) != 4 || decide(3) != 5 || decide(4) != 3 || decide(5) != 10 || decide(6) != -1 || decide(9) != 1000) wrong |= 1;
                if (run("1120") != 10) wrong |= 2;
                if (held.counter != &counter || *held.counter != 4) wrong |= 4;
                if (held.length("four") != 4 || held.length != strlen) wrong |= 8;
                if (held.f(5) != 10 || chosen(5) != 10 || through(5) != 10) wrong |= 16;
                setenv("FRESH", "1", 1);
                int found = 0;
                for (char **e = environ; *e; e++) found |= !strcmp(*e, "FRESH=1");
                if (!found || strcmp(getenv("FRESH"), "1")) wrong |= 32;
                if (*get(0) != 1) wrong |= 64;
                return wrong;
            }
            int main(void) { agent(); return (int)check(); }
            """, [.. Workbench.Ordinary, flag, "-DVERSION=2"]);
        using var program = new LiveProgram(old);

        program.Update(@new);

        Assert.Equal(0, program.Run("check"));
    }

    [Fact]
    public void Thread_locals_of_existing_threads_stay_and_new_threads_begin_as_in_the_new_version()
    {
        const string Common = """
            #include <pthread.h>
            void agent(void);
            __thread int mine = VERSION, zero;
            static __thread int hidden;
            static void *look(void *p) { (void)p; return (void *)(long)(mine * 100 + zero + hidden); }
            long fresh(void) { pthread_t t; void *r; pthread_create(&t, 0, look, 0); pthread_join(t, &r); return (long)r; }
            long here(void) { hidden++; return mine * 100 + zero * 10 + hidden; }
            int main(void) { mine = 7; zero = 3; hidden = 2; agent(); return 0; }
            """;
        using var program = new LiveProgram(_bench.CompileLive("old", Common, [.. Workbench.Ordinary, "-DVERSION=1"]));
        Assert.Equal(100, program.Run("fresh"));

        program.Update(_bench.CompileLive("new", "static int filler; int *f(void) { return &filler; }\n" + Common, [.. Workbench.Ordinary, "-DVERSION=2"]));

        Assert.Equal(733, program.Run("here"));
        Assert.Equal(200, program.Run("fresh"));
    }

    [Fact]
    public void A_library_variable_that_only_the_new_version_names_is_the_librarys_too()
    {
        const string Old = "#include <stdlib.h>\nvoid agent(void); int main(void) { agent(); return 0; }";
        const string New = """
            #include <getopt.h>
            #include <stdlib.h>
            #include <string.h>
            void agent(void);
            extern char **environ;
            long check(void)
            {
                char *arguments[] = {"program", "-a", "-b", "rest", NULL};
                optind = 0;
                while (getopt(3, arguments, "ab") != -1) {}
                char *only[] = {"ONLY=this", NULL};
                environ = only;
                return optind == 3 && !strcmp(getenv("ONLY"), "this");
            }
            int main(void) { agent(); return (int)check(); }
            """;
        using var program = new LiveProgram(_bench.CompileLive("old", Old));
        program.Update(_bench.CompileLive("new", New));
        Assert.Equal(1, program.Run("check"));
        // and it stays at that place in the next
        var place = program.AddressOf("optind");
        program.Update(_bench.CompileLive("third", "int more;\n" + New));
        Assert.Equal(place, program.AddressOf("optind"));
        Assert.Equal(1, program.Run("check"));
    }

    [Fact]
    public void A_library_variable_stays_at_its_place_when_versions_name_it_in_different_ways()
    {
        // Named directly it lives in the program; through the global offset table wherever the dynamic linker says.
        string Version(string name, params string[] flags) => _bench.CompileLive(name, $$"""
            #include <stdlib.h>
            #include <string.h>
            void agent(void);
            extern char **environ;
            const char *name(void) { return "{{name}}"; }
            char ***place(void) { return &environ; }
            long check(const char *variable) { setenv(name(), "x", 1); int n = 0; for (char **e = environ; *e; e++) n += !strncmp(*e, "version-", 8); return n; }
            int main(void) { setenv(name(), "x", 1); agent(); return (int)check(name()) + (place() == 0); }
            """, [.. Workbench.Ordinary, .. flags]);
        using var program = new LiveProgram(Version("version-1"));
        var place = program.Run("place");

        program.Update(Version("version-2", "-fPIC", "-mno-direct-extern-access"));
        Assert.DoesNotContain(program.File.DynamicRelocations, r => r.Type == RelocationType.Copy);
        Assert.Equal((place, 2), (program.Run("place"), program.Run("check")));
        program.Update(Version("version-3"));
        Assert.Equal((place, 3), (program.Run("place"), program.Run("check")));
    }

    [Fact]
    public void A_preloaded_library_that_interposes_a_name_goes_before_the_others()
    {
        // Without versions, as the shim's own.
        var preloaded = _bench.Compile("preloaded.so", "int atoi(const char *s) { (void)s; return 4711; }", "-shared", "-fPIC", "-fno-builtin");
        const string Old = "void agent(void); int main(void) { agent(); return 0; }";
        const string New = "int atoi(const char *); void agent(void); int number(void) { return atoi(\"12\"); } int main(void) { agent(); return number(); }";
        using var program = new LiveProgram(_bench.CompileLive("old", Old), new Dictionary<string, string> { ["LD_PRELOAD"] = preloaded });
        program.Update(_bench.CompileLive("new", New));
        Assert.Equal(4711, program.Run("number"));
    }

    [Fact]
    public void A_table_that_the_linker_collects_keeps_its_place_as_a_whole()
    {
        const string Common = """
            void agent(void);
            struct entry { int number, uses; };
            #define ENTRY(name, n) struct entry name __attribute__((section("entries"), used)) = {n, 0};
            extern struct entry __start_entries[], __stop_entries[];
            int total(void) { int t = 0; for (struct entry *e = __start_entries; e < __stop_entries; e++) t += e->number * 10 + e->uses; return t; }
            int main(void) { for (struct entry *e = __start_entries; e < __stop_entries; e++) e->uses++; agent(); return 0; }
            """;
        const string Entries = "ENTRY(one, 1) ENTRY(two, 2)";
        using var program = new LiveProgram(_bench.CompileLive("old", Common + Entries));
        Assert.Equal(32, program.Run("total"));
        program.Update(_bench.CompileLive("new", "int more = 4; int *m(void) { return &more; }\n" + Common + Entries + "int uses(void) { return two.uses; }"));
        Assert.Equal((32, 1), (program.Run("total"), program.Run("uses")));

        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(_bench.CompileLive("third", Common + "ENTRY(zero, 0)" + Entries)));
        Assert.Contains("section entries has other entries", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exceptions_are_thrown_and_caught_in_new_code_and_virtual_functions_called_on_old_objects()
    {
        const string Common = """
            #include <string>
            #include <stdexcept>
            extern "C" void agent(void);
            struct shape { virtual ~shape() {} virtual int area() const = 0; };
            struct square : shape { int side; explicit square(int s) : side(s) {} int area() const override; };
            static shape *kept;
            static int cleaned;
            struct guard { ~guard() { cleaned++; } };
            """;
        var old = _bench.CompileLive("old", [("program.cc", Common + """
            int square::area() const { return side * side; }
            int main() { kept = new square(3); agent(); return kept->area() + cleaned; }
            """)], [.. Workbench.Ordinary, "-lstdc++"]);
        var @new = _bench.CompileLive("new", [("program.cc", "const int before[20] = {4}; const int *b(int i) { return before + i; }\n" + Common + """
            int square::area() const { guard g; if (side > 2) throw std::runtime_error("too large: " + std::to_string(side)); return side; }
            extern "C" long check()
            {
                try {
                    return kept->area();
                } catch (const std::exception &e) {
                    return std::string(e.what()) == "too large: 3" ? 1000 + cleaned : -1;
                }
            }
            int main() { kept = new square(1); agent(); return (int)check(); }
            """)], [.. Workbench.Ordinary, "-lstdc++"]);
        using var program = new LiveProgram(old);
        program.Update(@new);
        Assert.Equal(1001, program.Run("check"));
        Assert.Equal(1002, program.Run("check"));
    }

    [Fact]
    public void Far_away_images_are_refused_before_anything_is_written()
    {
        ImageRange[] images = [new("program", null, 0x5555_0000_0000, 0x5555_0000_0000, 0x5555_0010_0000)];
        Mapping Fill(ulong start, ulong end) => new(start, end, MemoryProtection.Read, false, 0, "");

        var near = ImagePlace.Find([Fill(0x5555_0000_0000, 0x5555_0010_0000)], images, 0x3000, 0x1000);
        Assert.True(near + 0x3000 < images[0].Start && images[0].End - near < 1ul << 31);
        // a gap that is too small, and one further down
        var lower = ImagePlace.Find([Fill(0x5554_f000_0000, 0x5554_fff0_0000), Fill(0x5554_fff0_4000, 0x5555_0000_0000)], images, 0x3000, 0x1000);
        Assert.True(lower + 0x3000 < 0x5554_f000_0000);
        Assert.Contains("no room", Assert.Throws<UpdateRefusedException>(
            () => ImagePlace.Find([Fill(0x5554_7000_0000, 0x5555_0000_0000)], images, 0x3000, 0x1000)).Message, StringComparison.Ordinal);
    }
}
