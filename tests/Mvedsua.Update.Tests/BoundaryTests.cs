using Mvedsua.Update.Debug;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Tests;

/// <summary>
/// Where one local object ends as another begins, an address says not which is meant. It is decided by what the code does with it,
/// by the types, or refused; never guessed.
/// </summary>
public sealed class BoundaryTests : IDisposable
{
    // Two neighbours in .data without padding; in the new version a third stands between them, at which the first one ends.
    private const string Old = """
        void agent(void);
        static int values[4] = {1, 2, 3, 4};
        int sum(void) { int s = 0; for (int *p = values; p < values + 4; p++) s = s * 3 + *p; return s; }
        int set(int i, int v) { return values[i] = v; }
        int main(void) { set(0, 10); agent(); return sum(); }
        """;

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    private static string New(string user, string type = "int") => $$"""
        void agent(void);
        static {{type}} fresh[4] = {5, 6, 7, 8};
        static int values[4] = {1, 2, 3, 4};
        {{user}}
        int sum(void) { int s = 0; for (int *p = values; p < values + 4; p++) s = s * 3 + *p; return s; }
        int set(int i, int v) { return values[i] = v; }
        int main(void) { agent(); return sum(); }
        """;

    [Fact]
    public void An_address_that_is_only_compared_is_an_end_and_one_that_is_read_through_a_beginning()
    {
        var @new = _bench.CompileLive("new", New("__attribute__((noinline)) int fold(void) { int s = 0; for (int *p = fresh; p < fresh + 4; p++) s = s * 3 + *p; return s; }\n"
            + "int put(int i, int v) { return fresh[i] = v; }"));
        AssertNeighbours(@new, "values", "fresh");
        using var program = new LiveProgram(_bench.CompileLive("old", Old));
        Assert.Equal(10 * 27 + 2 * 9 + 3 * 3 + 4, program.Run("sum"));

        program.Update(@new);

        Assert.Equal(10 * 27 + 2 * 9 + 3 * 3 + 4, program.Run("sum"));
        Assert.Equal(5 * 27 + 6 * 9 + 7 * 3 + 8, program.Run("fold"));
        program.Run("put", 0, 1);
        program.Run("set", 3, 1);
        Assert.Equal(1 * 27 + 6 * 9 + 7 * 3 + 8, program.Run("fold"));
        Assert.Equal(10 * 27 + 2 * 9 + 3 * 3 + 1, program.Run("sum"));
    }

    [Fact]
    public void An_address_of_which_nothing_is_known_is_refused_until_types_tell()
    {
        const string User = "int *lend(void) { return fresh; } int put(int i, int v) { return fresh[i] = v; }";
        var @new = _bench.CompileLive("new", New(User));
        AssertNeighbours(@new, "values", "fresh");
        using var program = new LiveProgram(_bench.CompileLive("old", Old));

        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Update(@new));
        Assert.Contains("lend() holds the address where values ends and fresh begins", refusal.Message, StringComparison.Ordinal);

        program.Update(@new, new RelinkOptions { NewFacts = new NoArrays() });
        program.Run("put", 0, 77);
        Span<byte> lent = stackalloc byte[4];
        program.Read((ulong)program.Run("lend"), lent);
        Assert.Equal(77, BitConverter.ToInt32(lent));
    }

    [Theory]
    [InlineData("-O1", 8)]
    [InlineData("-O2", 8)]
    [InlineData("-O3", 8)]
    [InlineData("-Os", 8)]
    [InlineData("-O2", 6)] // with a gap behind it
    [InlineData("-Os", 6)]
    public void An_address_in_front_of_an_array_is_bound_as_the_array_or_refused(string level, int before)
    {
        // For pairs[i - 1] gcc takes the address of pairs - 8, which lies in the variable before it.
        const string Common = """
            void agent(void);
            struct pair { int a, b; };
            static struct pair pairs[50] = {{1, 2}};
            FRESH
            static int items[100] = {3};
            int sum(int n) { int s = 0; for (int i = n; i > 0; i--) s = s * 3 + pairs[i - 1].b; return s; }
            int add(int n) { int s = 0; for (int i = 1; i <= n; i++) s = s * 3 + items[i - 1]; return s; }
            void fill(int n) { for (int i = 2; i < n; i++) items[i] = items[i - 1] + items[i - 2] + 1; }
            void set(int i, int v) { pairs[i].b = v; items[i] = v; }
            """;
        string[] flags = [level, "-g", "-Wl,--emit-relocs"];
        var old = _bench.CompileLive("old", Common.Replace("FRESH", "", StringComparison.Ordinal)
            + "int main(void) { set(0, 7); set(1, 8); set(2, 9); agent(); return sum(3); }", flags);
        var @new = _bench.CompileLive("new", Common.Replace("FRESH", $"static struct pair fresh[{before}] = {{{{4, 4}}}}; int *f(int i) {{ return &fresh[i].a; }}", StringComparison.Ordinal)
            + "int main(void) { set(0, 0); fill(3); agent(); return sum(3); }", flags);
        using var program = new LiveProgram(old);
        var (sum, add) = (program.Run("sum", 3), program.Run("add", 3));
        Assert.Equal((9 * 9 + 8 * 3 + 7, 7 * 9 + 8 * 3 + 9), (sum, add));

        using DebugFile oldDebug = DebugFile.Open(old), newDebug = DebugFile.Open(@new);
        try
        {
            program.Update(@new, new RelinkOptions { OldFacts = new DebugFacts(oldDebug), NewFacts = new DebugFacts(newDebug) });
        }
        catch (UpdateRefusedException e)
        {
            Assert.Contains("can't be told", e.Message, StringComparison.Ordinal);
            Assert.Equal((sum, add), (program.Run("sum", 3), program.Run("add", 3))); // untouched
            return;
        }

        Assert.Equal((sum, add), (program.Run("sum", 3), program.Run("add", 3)));
        program.Run("fill", 6);
        Assert.Equal(7 * 243 + 8 * 81 + 16 * 27 + 25 * 9 + 42 * 3 + 68, program.Run("add", 6));
    }

    [Theory]
    [InlineData("-O2", "")]
    [InlineData("-O1", "")]
    [InlineData("-Os", "")]
    [InlineData("-O2", "long more[7] = {9, 9, 9, 9, 9, 9, 9};\nlong lend(int i) { return more[i]++; }\n")]
    public void The_values_of_a_functions_own_array_are_those_of_its_version(string level, string moving)
    {
        const string Common = """
            void agent(void);
            struct flag { long bit; const char *name; };
            static int before[3] = {1, 2, 3};
            __attribute__((noinline)) long find(struct flag *all, long bit)
            {
                for (; all->name; all++) if (all->bit & bit) return all->name[0];
                return 0;
            }
            """;
        /* So many that the compiler copies them from a place without a name, between the variables. */
        static string Values(char first) => string.Concat(Enumerable.Range(0, 24).Select(i => $$"""{ {{1L << i}}, "{{(char)(first + i)}}" },"""));
        static string Rest(char first) => $$"""
            __attribute__((noinline)) long flags(long bit) { struct flag all[] = { {{Values(first)}} {0, 0} }; return find(all, bit); }
            static long after[2] = {5, 6};
            long count(int i) { return ++before[i] * 100 + ++after[i]; }
            int main(void) { count(0); agent(); return (int)flags(1); }
            """;
        const string First = "static int first[4] = {1, 1, 1, 1}; int touch(int i) { return ++first[i]; }\n";
        string[] flags = [level, "-g", "-Wl,--emit-relocs"];
        var @new = _bench.CompileLive("new", [("first.c", First), ("program.c", Common + moving + Rest('A'))], flags);
        using var program = new LiveProgram(_bench.CompileLive("old", [("first.c", First), ("program.c", Common + Rest('a'))], flags));
        Assert.Equal('a' + 3, program.Run("flags", 8));

        using var types = TypedUpdate.Prepare(program.File.Path, @new, null);
        program.Update(@new, types.Options);

        for (var i = 0; i < 24; i++) Assert.Equal('A' + i, program.Run("flags", 1ul << i));
        Assert.Equal(3 * 100 + 7, program.Run("count", 0));
    }

    [Fact]
    public void A_constant_keeps_its_identity_when_the_same_literal_stands_behind_it_in_both_versions()
    {
        // As Lua's node of empty tables: a literal that data points to begins where it ends.
        const string Nodes = """
            struct node { struct node *next; long key; };
            static const struct node empty;
            const struct node *none(void) { return &empty; }
            int is_none(const struct node *n) { return n == &empty; }
            """;
        const string Names = """
            #include <string.h>
            void agent(void);
            struct node;
            const struct node *none(void);
            int is_none(const struct node *);
            const char *const names[] = {"__index", "__gc"};
            const struct node *held;
            long check(void) { return is_none(held) && !strcmp(names[0], "__index") && !strcmp(names[1], "__gc"); }
            int main(void) { held = none(); agent(); return (int)check(); }
            """;
        var old = _bench.CompileLive("old", [("nodes.c", Nodes), ("names.c", Names)]);
        var @new = _bench.CompileLive("new", [("more.c", "const long some[] = {1, 2, 3};"), ("nodes.c", Nodes), ("names.c", Names)]);
        foreach (var path in (string[])[old, @new])
        {
            var file = ElfFile.Read(path);
            var word = file.DynamicRelocations.Single(r => r.Offset == file.Symbols.Single(s => s.Name == "names").Value);
            Assert.Equal(file.Symbols.Single(s => s.Name == "empty").End, (ulong)word.Addend);
        }

        using var program = new LiveProgram(old);
        program.Update(@new);
        Assert.Equal(1, program.Run("check"));
        program.Update(_bench.CompileLive("third", [("more.c", "const long other[] = {1, 2, 3, 4};"), ("nodes.c", Nodes), ("names.c", Names)]));
        Assert.Equal(1, program.Run("check"));
    }

    [Fact]
    public void A_constant_behind_which_another_stands_now_is_refused_until_the_code_or_types_tell()
    {
        const string Constants = """
            void agent(void);
            struct pair { int a, b; };
            BEHIND
            static const struct pair values[2] = {{1, 2}, {3, 4}};
            const struct pair *lend(int i) { return i ? values : SECOND; }
            int main(void) { agent(); return lend(1)->a; }
            """;
        var old = Constants.Replace("BEHIND", "", StringComparison.Ordinal).Replace("SECOND", "values + 2", StringComparison.Ordinal);
        var @new = Constants.Replace("BEHIND", "static const struct pair second[2] = {{5, 6}, {7, 8}};", StringComparison.Ordinal)
            .Replace("SECOND", "second", StringComparison.Ordinal);
        using var program = new LiveProgram(_bench.CompileLive("old", old));
        var path = _bench.CompileLive("new", @new);
        AssertNeighbours(path, "values", "second");

        Assert.Contains("where values ends and second begins", Assert.Throws<UpdateRefusedException>(() => program.Update(path)).Message, StringComparison.Ordinal);
        program.Update(path, new RelinkOptions { NewFacts = new NoArrays() });
        Span<byte> word = stackalloc byte[4];
        program.Read((ulong)program.Run("lend", 0), word);
        Assert.Equal(5, BitConverter.ToInt32(word));
    }

    [Fact]
    public void Where_arrays_of_two_source_files_meet_each_files_code_means_its_own()
    {
        const string Values = "static int values[4] = {1, 2, 3, 4}; int *end(void) { return values + 4; } int first(void) { return values[0]; } void set(int i, int v) { values[i] = v; }";
        const string Fresh = "static int fresh[4] = {5, 6, 7, 8}; int *begin(void) { return fresh; } void put(int i, int v) { fresh[i] = v; }";
        const string Main = "void agent(void); void set(int i, int v); int *end(void); int main(void) { set(0, 10); agent(); return end() == 0; }";
        string path = _bench.CompileLive("new", [("values.c", Values), ("fresh.c", Fresh), ("main.c", Main)]);
        AssertNeighbours(path, "values", "fresh");
        using var program = new LiveProgram(_bench.CompileLive("old", [("values.c", Values), ("main.c", Main)]));
        using var debug = DebugFile.Open(path);

        program.Update(path, new RelinkOptions { NewFacts = new DebugFacts(debug) });

        Span<byte> word = stackalloc byte[4];
        program.Read((ulong)program.Run("begin"), word);
        Assert.Equal(5, BitConverter.ToInt32(word));
        program.Read((ulong)program.Run("end") - 16, word);
        Assert.Equal(10, BitConverter.ToInt32(word));
    }

    /// <summary>A function without code at the end of one file has the address of the next file's first.</summary>
    [Fact]
    public void Code_that_two_files_claim_decides_nothing()
    {
        const string Values = "static int values[4] = {1, 2, 3, 4}; int *end(void) { return values + 4; } int first(void) { return values[0]; } void set(int i, int v) { values[i] = v; } __attribute__((aligned(1), section(\".text\"), used)) void nothing(void) { __builtin_unreachable(); }";
        const string Fresh = "static int fresh[4] = {5, 6, 7, 8}; __attribute__((aligned(1))) int *begin(void) { return fresh; } void put(int i, int v) { fresh[i] = v; }";
        const string Main = "void agent(void); void set(int i, int v); int *end(void); int main(void) { set(0, 10); agent(); return end() == 0; }";
        string path = _bench.CompileLive("new", [("values.c", Values), ("fresh.c", Fresh), ("main.c", Main)], "-g", "-Os", "-fno-toplevel-reorder", "-Wl,--emit-relocs");
        var symbols = ElfFile.Read(path).Symbols;
        AssertNeighbours(path, "values", "fresh");
        Assert.Equal(symbols.Single(s => s.Name == "nothing").Value, symbols.Single(s => s.Name == "begin").Value);
        using var program = new LiveProgram(_bench.CompileLive("old", [("values.c", Values), ("main.c", Main)]));
        using var debug = DebugFile.Open(path);
        var facts = new DebugFacts(debug);

        Assert.Null(facts.AreOfOneFile(symbols.Single(s => s.Name == "begin").Value, symbols.Single(s => s.Name == "fresh")));
        Assert.Throws<UpdateRefusedException>(() => program.Update(path, new RelinkOptions { NewFacts = facts }));
    }

    /// <summary>The compiler chose this layout; without it the test would say nothing.</summary>
    private static void AssertNeighbours(string path, string first, string second)
    {
        var symbols = ElfFile.Read(path).Symbols;
        Assert.Equal(symbols.Single(s => s.Name == first).End, symbols.Single(s => s.Name == second).Value);
    }

    private sealed class NoArrays : ISymbolFacts
    {
        public string? OwnerOf(ElfSymbol variable) => null;

        public bool? EndsInArray(ElfSymbol variable) => variable.Name != "values" ? null : false;

        public ulong? ElementSizeOf(ElfSymbol variable) => null;

        public bool? AreOfOneFile(ulong function, ElfSymbol variable) => null;
    }
}
