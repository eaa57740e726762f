using Mvedsua.Update.Debug;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Tests;

/// <summary>Debug information decides what the symbol table leaves open.</summary>
public sealed class DebugFactsTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Statics_of_one_name_follow_their_function_when_the_functions_change_places()
    {
        const string Up = "int up(void) { static int calls; static __thread int mine; return (calls += 1) + 0 * mine++; }\n";
        const string Down = "int down(void) { static int calls = 100; return calls -= 1; }\n";
        const string Main = "void agent(void); int main(void) { up(); up(); down(); agent(); return 0; }";
        var (old, @new) = (_bench.CompileLive("old", Up + Down + Main), _bench.CompileLive("new", Down + Up + Main + " int more;"));
        using var program = new LiveProgram(old);
        Assert.Throws<UpdateRefusedException>(() => program.Update(@new));
        using DebugFile before = DebugFile.Open(old), after = DebugFile.Open(@new);

        program.Update(@new, new RelinkOptions { OldFacts = new DebugFacts(before), NewFacts = new DebugFacts(after) });

        Assert.Equal((3, 98), (program.Run("up"), program.Run("down")));
    }

    [Theory]
    [InlineData("int v[4]", true, 4)]
    [InlineData("int v[4][3]", true, 12)]
    [InlineData("struct { int n; char text[12]; } v", true, 1)]
    [InlineData("struct { int n; struct { char *p; union { long l; int both[2]; } u; } last; } v", true, 4)]
    [InlineData("int v", false, 0)]
    [InlineData("struct { int numbers[4]; long n; } v", false, 4)]
    [InlineData("char *v", false, 0)]
    public void Whether_code_may_count_up_to_the_end_of_a_variable_and_in_which_steps(string declaration, bool endsInArray, ulong element)
    {
        var path = _bench.Compile("program", $"static {declaration}; void *use(void) {{ return &v; }} int main(void) {{ return 0; }}", "-g", "-O0");
        using var debug = DebugFile.Open(path);
        var symbol = ElfFile.Read(path).Symbols.Single(s => s.Name == "v");
        var facts = new DebugFacts(debug);
        Assert.Equal((endsInArray, element), (facts.EndsInArray(symbol), facts.ElementSizeOf(symbol)));
    }
}
