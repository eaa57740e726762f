using System.Globalization;
using System.Text;
using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Tests.Debug;

/// <summary>What is read of a program's debug information is what its source says.</summary>
public sealed class DebugFileTests
{
    private const string Everything = """
        #include <stdbool.h>
        #include <stddef.h>
        enum colour { RED, GREEN = 7, BLUE };
        enum sign { MINUS = -1, PLUS = 1 };
        typedef unsigned long counter_t;
        typedef counter_t hits_t;
        typedef struct { int x, y; } point_t;
        struct later;
        struct entry {
            struct entry *next;
            const char *name;
            union { long number; double real; struct { short a, b; }; };
            unsigned low : 3, mid : 13;
            unsigned long wide : 40;
            signed char grid[3][5];
            point_t at;
            int (*compare)(const void *, struct entry *, ...);
            struct later *hidden;
            volatile int state;
            char tail[];
        };
        struct entry *table[16];
        static hits_t hits = 5;
        _Thread_local int per_thread = 3;
        enum colour colour = BLUE;
        enum sign sign = MINUS;
        bool flag = true;
        long double big = 1;
        static int count(const char *word, struct entry *e) { static int calls; { static long inner = 2; inner++; } return calls++ + (int)hits++ + (word != 0); }
        int main(int argc, char **argv) { return count(argv[0], table[0]) + per_thread; }
        """;

    public static TheoryData<string> Formats => ["-gdwarf-5", "-gdwarf-4", "-gdwarf-3 -gno-strict-dwarf", "-gdwarf-5 -fdebug-types-section", "-gdwarf-5 -O2", "-gdwarf-5 -gz"];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_kind_of_type_is_read_as_the_source_declares_it(string flags)
    {
        using var workbench = new Workbench();
        using var file = DebugFile.Open(workbench.Compile("everything", Everything, ["-g", "-w", .. flags.Split(' ')]));

        var entry = Assert.IsType<RecordType>(file.TaggedType(TagKind.Struct, "entry"));
        Assert.Equal(
            [
                "0 struct entry *next", "8 const char *name", "16 union {…} ", "24.0:3 unsigned int low", "24.3:13 unsigned int mid",
                "26.0:40 long unsigned int wide", "31 signed char grid[3][5]", "48 point_t at", "56 int (*compare)(const void *, struct entry *, ...)",
                "64 struct later *hidden", "72 volatile int state", "76 char tail[]",
            ],
            entry.Members.Select(Describe));
        Assert.Equal(80ul, entry.Size);
        Assert.Equal("tail", entry.FlexibleMember?.Name);
        Assert.Equal(18ul, entry.Find("b")!.Offset);
        Assert.Same(entry, ((PointerType)entry.Members[0].Type).Target);
        Assert.Same(entry, ((PointerType)((ArrayType)Single(file, "table").Type).Element).Target);
        Assert.True(((PointerType)entry.Find("hidden")!.Type).IsOpaque);
        Assert.True(((PointerType)entry.Find("compare")!.Type).IsFunction);

        Assert.Equal([("RED", 0), ("GREEN", 7), ("BLUE", 8)], ((EnumType)Single(file, "colour").Type).Values.Select(v => (v.Name, v.Value)));
        Assert.Equal([("MINUS", -1), ("PLUS", 1)], ((EnumType)Single(file, "sign").Type).Values.Select(v => (v.Name, v.Value)));
        Assert.Equal(BaseKind.Boolean, ((BaseType)Single(file, "flag").Type.Bare).Kind);
        Assert.Equal(16ul, Single(file, "big").Type.Size);
        var hits = Single(file, "hits");
        Assert.Equal("hits_t", hits.Type.ToString());
        Assert.Equal(8ul, hits.Type.Size);
        Assert.False(hits.IsExternal);
        Assert.Equal("hits of program.c", hits.FullName);
    }

    [Fact]
    public void Variables_carry_their_place_their_unit_and_the_function_of_a_static()
    {
        using var workbench = new Workbench();
        var program = workbench.Compile("everything", Everything, "-g", "-w", "-O2");
        using var file = DebugFile.Open(program);
        var symbols = Symbols(program);
        foreach (var (name, function) in new[] { ("table", null), ("hits", null), ("colour", null), ("calls", "count"), ("inner", "count") })
        {
            var variable = Single(file, name);
            Assert.Equal(function, variable.Function);
            Assert.Equal("program.c", variable.Unit.FileName);
            Assert.Equal(symbols.First(s => s.Name.Split('.')[0] == name).Value, variable.Address);
            Assert.Same(variable, file.VariableAt(variable.Address));
        }
        Assert.True(Single(file, "per_thread").IsThreadLocal);
        Assert.Null(file.VariableAt(Single(file, "per_thread").Address));
    }

    [Fact]
    public void Functions_carry_their_place_and_their_parameters()
    {
        using var workbench = new Workbench();
        var program = workbench.Compile("everything", Everything, "-g", "-w", "-O0");
        using var file = DebugFile.Open(program);
        var count = Assert.Single(file.FunctionsNamed("count"));
        Assert.Equal("int count(const char *, struct entry *)", count.ToString());
        Assert.Equal(Symbols(program).First(s => s.Name == "count").Value, count.Address);
        Assert.False(count.IsExternal);
    }

    /// <summary>What is seldom done stands apart, as name.cold: such a function has ranges instead of a beginning.</summary>
    [Fact]
    public void A_function_that_the_compiler_has_split_begins_where_it_is_entered()
    {
        using var workbench = new Workbench();
        var program = workbench.Compile("split", """
            #include <stdlib.h>
            __attribute__((cold, noinline)) void seldom(int n) { if (n == 5) exit(n); }
            void often(int n);
            void often(int n) { if (n > 3) { seldom(n); seldom(n + 1); abort(); } }
            int main(int argc, char **argv) { (void)argv; often(argc); return 0; }
            """, "-g", "-O2");
        using var file = DebugFile.Open(program);
        Assert.Contains(Symbols(program), s => s.Name == "often.cold");
        Assert.Equal(Symbols(program).First(s => s.Name == "often").Value, Assert.Single(file.FunctionsNamed("often")).Address);
    }

    [Fact]
    public void An_incomplete_type_is_the_one_that_another_unit_defines_unless_several_differ()
    {
        using var workbench = new Workbench();
        using var file = DebugFile.Open(workbench.Compile("units",
        [
            ("shared.h", "struct shared { int one; struct hidden *two; };\n"),
            ("a.c", "#include \"shared.h\"\nstruct hidden; struct twice;\nstruct hidden *here; struct twice *unclear; struct nowhere *none; static struct shared a_shared; int main(void) { a_shared.one++; return a_shared.one; }\n"),
            ("b.c", "#include \"shared.h\"\nstruct hidden { long value; };\nstruct twice { int b; };\nstruct hidden b; struct twice tb; struct shared *b_shared;\n"),
            ("c.c", "struct twice { char *c; };\nstruct twice tc;\n"),
        ], "-g"));
        var here = (RecordType)((PointerType)Single(file, "here").Type).Target;
        Assert.Same(Single(file, "b").Type, here);
        var unclear = (RecordType)((PointerType)Single(file, "unclear").Type).Target;
        Assert.True(unclear.IsAmbiguous);
        Assert.False(unclear.IsComplete);
        Assert.False(((RecordType)((PointerType)Single(file, "none").Type).Target).IsAmbiguous);
        Assert.NotSame(Single(file, "tb").Type, Single(file, "tc").Type);
        Assert.Null(file.TaggedType(TagKind.Struct, "twice"));
        Assert.Same(((PointerType)Single(file, "b_shared").Type).Target, Single(file, "a_shared").Type);
    }

    [Fact]
    public void A_program_without_debug_information_is_refused_with_the_flag_that_makes_it()
    {
        using var workbench = new Workbench();
        var program = workbench.Compile("plain", "int main(void) { return 0; }", "-s");
        var refusal = Assert.Throws<UpdateRefusedException>(() => DebugFile.Open(program));
        Assert.Contains("-g", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(program, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_as_large_as_Redis_is_read_in_well_under_a_second()
    {
        const int units = 40, perUnit = 150;
        using var workbench = new Workbench();
        var header = new StringBuilder();
        for (var i = 0; i < 200; i++)
            header.Append(CultureInfo.InvariantCulture, $"struct s{i} {{ struct s{(i + 1) % 200} *next; int a, b, c; char name[{i + 1}]; union {{ long n; double d; }} u; }};\n");
        header.Append("static inline int help(struct s0 *s) { return s ? s->a + s->b : 0; }\n");
        var files = new List<(string, string)> { ("all.h", header.ToString()) };
        for (var u = 0; u < units; u++)
        {
            var text = new StringBuilder("#include \"all.h\"\n");
            for (var i = 0; i < perUnit; i++)
                text.Append(CultureInfo.InvariantCulture, $"struct s{(u + i) % 200} *g{u}_{i}; int f{u}_{i}(int x, struct s{i} *s) {{ static int calls; int y = x * 2; for (int k = 0; k < x; k++) {{ int z = y + k; y += z ^ calls++; }} return y + s->a + help((void *)s); }}\n");
            if (u == 0) text.Append("int main(void) { return 0; }\n");
            files.Add(($"u{u}.c", text.ToString()));
        }

        using var file = DebugFile.Open(workbench.Compile("large", [.. files], "-g"));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using var again = DebugFile.Open(file.Path);
        var reached = new HashSet<CType>();
        foreach (var variable in again.Variables) Reach(variable.Type, reached);
        clock.Stop();
        Assert.Equal(units * perUnit * 2, again.Variables.Count);
        Assert.Equal(200, reached.OfType<RecordType>().Count(r => !r.IsUnion));
        clock.Start();
        var comparison = Mvedsua.Update.Types.Comparison.Of(file, again, Mvedsua.Update.Descriptions.Hints.None);
        clock.Stop();
        Assert.DoesNotContain(comparison.Graph.Pairs, p => p.IsChanged);
        TestContext.Current.TestOutputHelper?.WriteLine($"{again.Variables.Count} variables, {again.Functions.Count} functions, read and compared with itself: {clock.ElapsedMilliseconds} ms");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), $"took {clock.ElapsedMilliseconds} ms"); /* some 0.3 s alone; other tests run beside it */
    }

    private static void Reach(CType type, HashSet<CType> reached)
    {
        if (!reached.Add(type)) return;
        if (type.Bare != type) Reach(type.Bare, reached);
        else if (type is PointerType p) Reach(p.Target, reached);
        else if (type is ArrayType a) Reach(a.Element, reached);
        else if (type is RecordType r)
            foreach (var m in r.Members) Reach(m.Type, reached);
    }

    internal static Variable Single(DebugFile file, string name) => Assert.Single(file.VariablesNamed(name));

    private static string Describe(Member m) => m.Name is null ? $"{m.Offset} {m.Type} " : m.IsBitField
        ? $"{m.Offset}.{m.BitShift}:{m.BitSize} {CSpelling.Of(m.Type, m.Name)}" : $"{m.Offset} {CSpelling.Of(m.Type, m.Name)}";

    private static List<(ulong Value, string Name)> Symbols(string program)
    {
        using var nm = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("nm", [program]) { RedirectStandardOutput = true })!;
        var lines = nm.StandardOutput.ReadToEnd().Split('\n');
        nm.WaitForExit();
        return lines.Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(f => f.Length == 3)
            .Select(f => (ulong.Parse(f[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), f[2])).ToList();
    }
}
