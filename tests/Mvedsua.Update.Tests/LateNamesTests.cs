namespace Mvedsua.Update.Tests;

/// <summary>The dynamic linker has loaded the first version only: it runs no constructor of a later one, and knows none of its names.</summary>
public sealed class LateNamesTests : IDisposable
{
    private const string Begin = "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <string.h>\nvoid agent(void); int main(void) { agent(); return 0; } int made, more; ";
    private const string Make = "__attribute__((constructor)) static void make(void) { made++; } ";
    private const string Also = "__attribute__((constructor(200))) static void also(void) { more = 7; } ";
    private const string Look = "int look(void) { return made * 100 + more; } ";
    private const string Find = "static long call(const char *name) { long (*f)(void) = (long (*)(void))dlsym(RTLD_DEFAULT, name); return f ? f() : -1; } ";

    private static readonly string[] _exporting = ["-g", "-O2", "-rdynamic", "-Wl,--emit-relocs"];

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    private string Refused(LiveProgram program, string source, params string[] flags) =>
        Assert.Throws<UpdateRefusedException>(() => program.Update(_bench.CompileLive("refused", source, flags))).Message;

    [Fact]
    public void A_constructor_of_both_versions_has_been_run_and_is_not_run_again()
    {
        using var program = new LiveProgram(_bench.CompileLive("old", [("one.c", Begin + Make), ("two.c", "extern int made, more; " + Look)]));
        program.Update(_bench.CompileLive("new", [("one.c", Begin), ("two.c", "extern int made, more; __attribute__((constructor)) static void make(void) { made += 2; more = 1; } " + Look)]));
        Assert.Equal(100, program.Run("look"));
    }

    [Fact]
    public void A_new_constructor_is_refused_by_name_and_the_program_untouched()
    {
        using var program = new LiveProgram(_bench.CompileLive("old", Begin + Make + Look));
        var refusal = Refused(program, Begin + Make + Also + Look);
        Assert.Contains("has a constructor that the old version has not, which would not be run: also (program.c). ", refusal, StringComparison.Ordinal);
        Assert.Contains("'call also()'", refusal, StringComparison.Ordinal);
        Assert.Equal(100, program.Run("look"));
    }

    /// <summary>Which is how it is run all the same: with the state that was carried over.</summary>
    [Fact]
    public void A_new_constructor_that_the_description_calls_is_run_once()
    {
        using var program = new LiveProgram(_bench.CompileLive("old", Begin + Make + Look));
        var description = _bench.PathOf("kv.update");
        File.WriteAllText(description, "resume look()\ncall also()\n");
        program.Update(_bench.CompileLive("new", Begin + Make + Also + Look), description);
        Assert.Equal(107, program.Run("look"));
    }

    /// <summary>They are named after whatever comes first in the file, and by a priority.</summary>
    [Theory]
    [InlineData("int before(void) { return 1; } ", true)]
    [InlineData("int before(void) { return 1; } ", true, "__attribute__((init_priority(200))) ")]
    [InlineData("", false)]
    public void Static_objects_of_cxx_that_a_file_had_none_of_are_refused(string first, bool had, string priority = "")
    {
        const string Agent = "extern \"C\" void agent(void); int main() { agent(); return 0; } int number(); ";
        string made = $"struct object {{ int value; object() : value(number()) {{}} }}; {priority}object one; ";
        using var program = new LiveProgram(_bench.CompileLive("old", [("main.c", ""), ("one.cc", Agent + "int number() { return 3; } "), ("two.cc", "int number(); " + (had ? made : "int two() { return number(); }"))], _cxx));
        string @new = _bench.CompileLive("new", [("main.c", ""), ("one.cc", Agent + "int number() { return 4; } "), ("two.cc", "int number(); " + first + made)], _cxx);
        if (had) program.Update(@new);
        else Assert.Contains("_GLOBAL__sub_I_one (two.cc)", Assert.Throws<UpdateRefusedException>(() => program.Update(@new)).Message, StringComparison.Ordinal);
    }

    private static readonly string[] _cxx = ["-g", "-O2", "-Wl,--emit-relocs", "-lstdc++"];

    /// <summary>Through its old entry, which leads to the new code.</summary>
    [Fact]
    public void A_function_of_both_versions_is_found_by_its_name_and_has_one()
    {
        const string Named = "long its_function(void); long name(void) { Dl_info i; return dladdr((void *)its_function, &i) && i.dli_saddr == (void *)its_function && !strcmp(i.dli_sname, \"its_function\"); } "
            + "long ask(void) { return call(\"its_function\"); } ";
        using var program = new LiveProgram(_bench.CompileLive("old", Begin + Find + Named + "long its_function(void) { return 1; } ", _exporting));
        Assert.Equal((1L, 1L), (program.Run("ask"), program.Run("name")));
        program.Update(_bench.CompileLive("new", Begin + Find + Named + "long its_function(void) { return 2; } ", _exporting));
        Assert.Equal((2L, 1L), (program.Run("ask"), program.Run("name")));
    }

    [Fact]
    public void A_new_function_that_may_be_looked_up_is_refused_by_name()
    {
        const string Old = Begin + Find + "long ask(void) { return call(\"another\"); } ";
        const string New = "long new_function(void) { return 3; } ";
        using var program = new LiveProgram(_bench.CompileLive("old", Old, _exporting));
        Assert.Contains("may look up its own new_function, which stands in it as a text: it would not be found",
            Refused(program, Old.Replace("another", "new_function", StringComparison.Ordinal) + New, _exporting), StringComparison.Ordinal);
        Assert.Equal(-1, program.Run("ask"));
        /* Not exported; or its name stands there because the compiler notes it, or as a part of another text. */
        program.Update(_bench.CompileLive("hidden", Old.Replace("another", "new_function", StringComparison.Ordinal) + New, Workbench.Ordinary));
        program.Update(_bench.CompileLive("noted", Old.Replace("another", "no new_function", StringComparison.Ordinal)
            + "const char *seen; long new_function(void) { seen = __func__; return 3; } ", _exporting));
        Assert.Equal((-1L, 3L), (program.Run("ask"), program.Run("new_function")));
    }

    /// <summary>The linker of the system knows what the first version exported, not the last one.</summary>
    [Fact]
    public void What_came_with_an_earlier_update_may_not_be_looked_up_either()
    {
        const string Old = Begin + Find + "long ask(void) { return call(\"another\"); } ";
        const string New = "long new_function(void) { return 3; } ";
        using var program = new LiveProgram(_bench.CompileLive("old", Old, _exporting));
        program.Update(_bench.CompileLive("second", Old + New, _exporting));
        Assert.Contains("may look up its own new_function", Refused(program, Old.Replace("another", "new_function", StringComparison.Ordinal) + New, _exporting), StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_with_a_new_place_that_may_be_looked_up_is_refused_by_name()
    {
        const string Old = Begin + "int its_variable[2] = {1, 2}; long ask(void) { int *p = dlsym(RTLD_DEFAULT, \"its_variable\"); return p ? *p : -1; } ";
        using var program = new LiveProgram(_bench.CompileLive("old", Old, _exporting));
        Assert.Contains("may look up its own its_variable, which stands in it as a text: it would be found where it was in the first version",
            Refused(program, Old.Replace("[2] = {1, 2}", "[3] = {1, 2, 3}", StringComparison.Ordinal), _exporting), StringComparison.Ordinal);
        program.Update(_bench.CompileLive("new", Old.Replace("? *p :", "? *p + 10 :", StringComparison.Ordinal), _exporting));
        Assert.Equal(11, program.Run("ask"));
    }
}
