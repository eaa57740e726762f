using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Tests;

/// <summary>The same things are found in two versions of a program, and nothing is taken for what it isn't.</summary>
public sealed class SymbolMatcherTests : IDisposable
{
    private const string Main = "int step(int), other(int); int main(int argc, char **argv) { (void)argv; return step(argc) + other(argc); }\n";

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Exported_names_are_matched_and_classes_kept_apart()
    {
        var match = Match(
            [("main.c", Main), ("a.c", "int total = 1; const int limit = 5; __thread int mine; int gone; int kind; int step(int x) { total += x; mine++; return limit + kind; } int other(int x) { return x + gone; }")],
            [("main.c", Main), ("a.c", "int total = 1; const int limit = 6; __thread int mine; long fresh; const int kind = 4; int step(int x) { total += x; mine++; return limit + kind; } int other(int x) { return x + (int)fresh; }")]);

        Assert.Equal(SymbolClass.Data, Pair(match, "total").New.Class);
        Assert.Equal(SymbolClass.ReadOnlyData, Pair(match, "limit").New.Class);
        Assert.Equal(SymbolClass.ThreadLocal, Pair(match, "mine").New.Class);
        Assert.Equal(SymbolClass.Function, Pair(match, "step").New.Class);
        Assert.Contains(match.Removed, s => s.Name == "gone");
        Assert.Contains(match.Added, s => s.Name == "fresh");
        // a variable that became a constant is another thing
        Assert.Contains(match.Removed, s => s.Name == "kind");
        Assert.Contains(match.Added, s => s.Name == "kind");
    }

    [Fact]
    public void Local_names_are_matched_within_their_file_also_when_files_of_the_same_name_change_places()
    {
        const string First = "static int count = 1; static int apples; int step(int x) { count += x; apples++; return count + apples; }";
        const string Second = "static int count = 2; static int pears; int other(int x) { count += x; pears++; return count + pears; }";
        var match = Match(
            [("main.c", Main), ("x/util.c", First), ("y/util.c", Second)],
            [("main.c", Main), ("y/util.c", Second), ("x/util.c", First)]);

        var counts = match.Pairs.Where(p => p.Old.Name == "count").ToArray();
        Assert.Equal(2, counts.Length);
        Assert.All(counts, p => Assert.NotEqual(p.Old.Occurrence, p.New.Occurrence));
        Assert.NotEqual(Pair(match, "apples").New.Occurrence, Pair(match, "pears").New.Occurrence);
        Assert.Empty(match.Ambiguous);
    }

    [Fact]
    public void Statics_of_one_name_in_several_functions_are_ambiguous_until_debug_information_tells_their_function()
    {
        const string Old = "int step(int x) { static int calls; return calls += x; } int other(int x) { static int calls; return calls -= x; }";
        const string New = "int other(int x) { static int calls; return calls -= x; } int step(int x) { static int calls; return calls += x; }";
        var (old, @new) = (Read("old", [("main.c", Main), ("a.c", Old)]), Read("new", [("main.c", Main), ("a.c", New)]));

        var blind = SymbolMatcher.Match(ProgramSymbols.Of(old), ProgramSymbols.Of(@new));
        var ambiguous = Assert.Single(blind.Ambiguous);
        Assert.Equal((2, 2), (ambiguous.Old.Count, ambiguous.New.Count));
        Assert.DoesNotContain(blind.Pairs, p => p.Old.Name == "calls");

        // gcc numbers them from the last function of the file to the first
        var told = SymbolMatcher.Match(
            ProgramSymbols.Of(old, new Owners(("calls.1", "step"), ("calls.0", "other"))),
            ProgramSymbols.Of(@new, new Owners(("calls.0", "step"), ("calls.1", "other"))));
        Assert.Empty(told.Ambiguous);
        var step = told.Pairs.Single(p => p.Old.Name == "calls" && p.Old.Owner == "step");
        Assert.Equal(("calls.1", "calls.0"), (step.Old.Symbol.Name, step.New.Symbol.Name));
    }

    [Fact]
    public void A_single_static_of_a_function_is_matched_whatever_its_number()
    {
        var match = Match(
            [("main.c", Main), ("a.c", "int step(int x) { static int calls; return calls += x; } int other(int x) { return x; }")],
            [("main.c", Main), ("a.c", "int step(int x) { static int more = 3; static int calls; return calls += more += x; } int other(int x) { return x; }")]);
        Assert.Equal(SymbolClass.Data, Pair(match, "calls").Old.Class);
        Assert.Contains(match.Added, s => s.Name == "more");
    }

    [Fact]
    public void Parts_of_functions_are_nothing_of_their_own()
    {
        const string Cold = "#include <stdlib.h>\nint step(int x) { if (x == 77) abort(); return x; } int other(int x) { return x; }";
        var file = Read("cold", [("main.c", Main), ("a.c", Cold)]);
        Assert.Contains(file.Symbols, s => s.Name == "step.cold");
        Assert.DoesNotContain(ProgramSymbols.Of(file).All, s => s.Name.StartsWith("step.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_that_became_static_is_still_the_same_and_a_changed_size_is_told()
    {
        var match = Match(
            [("main.c", Main), ("a.c", "int table[4]; int step(int x) { return table[x]++; } int other(int x) { return x; }")],
            [("main.c", Main), ("a.c", "static int table[8]; int step(int x) { return table[x]++; } int other(int x) { return x; }")]);
        var table = Pair(match, "table");
        Assert.True(table.Old.IsExported && !table.New.IsExported);
        Assert.Equal([table], match.SizeChanged.Where(p => p.Old.Name == "table"));
    }

    private static SymbolPair Pair(SymbolMatch match, string name) => match.Pairs.Single(p => p.Old.Name == name);

    private SymbolMatch Match((string, string)[] old, (string, string)[] @new) =>
        SymbolMatcher.Match(ProgramSymbols.Of(Read("old", old)), ProgramSymbols.Of(Read("new", @new)));

    private ElfFile Read(string name, (string, string)[] sources) => ElfFile.Read(_bench.Compile(name, sources, Workbench.Ordinary));

    private sealed class Owners(params (string Symbol, string Owner)[] owners) : ISymbolFacts
    {
        public string? OwnerOf(ElfSymbol variable) => owners.FirstOrDefault(o => o.Symbol == variable.Name).Owner;

        public bool? EndsInArray(ElfSymbol variable) => null;

        public ulong? ElementSizeOf(ElfSymbol variable) => null;

        public bool? AreOfOneFile(ulong function, ElfSymbol variable) => null;
    }
}
