using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>What the program never changed takes the new version's initial value; what it changed stays.</summary>
public sealed class InitialValueTests : IDisposable
{
    private const string Common = """
        #include <string.h>
        void agent(void);
        struct option { const char *name; int value; int (*check)(int); };
        int positive(int x), even(int x);
        """;

    private const string Old = Common + """
        int limit = 100, timeout = 30, port = 80, unused;
        const int maximum = 7;
        struct option options[2] = {{"port", 80, positive}, {"size", 2, even}};
        struct option others[2] = {{"depth", 1, positive}, {"width", 2, even}};
        const char *greeting = "hello";
        int positive(int x) { return x > 0; }
        int even(int x) { return x % 2 == 0; }
        int main(void) { limit = 5; port = 81; others[0].value = 9; agent(); return 0; }
        """;

    private const string New = Common + """
        long before = 5;
        int limit = 100, timeout = 60, port = 8080, unused = 3;
        const int maximum = 8;
        struct option options[2] = {{"port", 8080, even}, {"size", 4, positive}};
        struct option others[2] = {{"depth", 1, positive}, {"width", 2, even}};
        const char *greeting = "welcome";
        int even(int x) { return x % 2 == 0 ? 20 : 0; }
        int positive(int x) { return x > 0 ? 10 : 0; }
        const int *where(void) { return &maximum; }
        long check(void)
        {
            long wrong = 0;
            if (limit != 5 || port != 81 || others[0].value != 9) wrong |= 1;
            if (timeout != 60 || unused != 3 || maximum != 8 || *where() != 8) wrong |= 2;
            if (options[0].value != 8080 || options[1].value != 4 || strcmp(options[1].name, "size")) wrong |= 4;
            if (options[0].check != even || options[0].check(2) != 20 || options[1].check(2) != 10) wrong |= 8;
            if (others[0].check != positive || others[0].check(1) != 10 || strcmp(others[1].name, "width")) wrong |= 16;
            if (strcmp(greeting, "welcome")) wrong |= 32;
            return wrong;
        }
        int main(void) { agent(); return (int)check(); }
        """;

    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Unchanged_variables_take_the_new_initial_value_and_changed_ones_stay()
    {
        using var program = new LiveProgram(_bench.CompileLive("old", Old));
        var constant = program.AddressOf("maximum");

        var result = program.Update(_bench.CompileLive("new", New));

        Assert.Equal(0, program.Run("check"));
        Assert.Equal(constant, program.AddressOf("maximum"));
        CarryOutcome Outcome(string name) => result.Objects.Single(o => o.Old.Name == name).Outcome;
        Assert.Equal(CarryOutcome.Kept, Outcome("limit"));
        Assert.Equal(CarryOutcome.KeptOverNewValue, Outcome("port"));
        Assert.Equal(CarryOutcome.NewValue, Outcome("timeout"));
        Assert.Equal(CarryOutcome.NewValue, Outcome("unused"));
        Assert.Equal(CarryOutcome.NewValue, Outcome("options"));
        // Its literals are at other addresses in the new version, but they are equal.
        Assert.Equal(CarryOutcome.Kept, Outcome("others"));
    }

    [Fact]
    public void What_changed_its_size_or_its_type_gets_a_new_place_and_is_told_to_be_converted()
    {
        const string Before = """
            void agent(void);
            int grown[2] = {1, 2}, other[2] = {1, 2}, typed = 7, gone = 1, lost = 1;
            int use(void) { return grown[0] + typed + gone + lost + other[0]; }
            int main(void) { grown[1] = 5; typed = 8; lost = 2; agent(); return use(); }
            """;
        const string After = """
            void agent(void);
            int grown[4] = {1, 2, 3, 4}, other[3] = {1, 2, 3};
            float typed = 7;
            int use(void) { return grown[0] + (int)typed + other[1]; }
            int main(void) { agent(); return use(); }
            """;
        using var program = new LiveProgram(_bench.CompileLive("old", Before));
        var old = program.AddressOf("typed");

        var result = program.Update(_bench.CompileLive("new", After), new RelinkOptions { KeepsPlace = p => p.Old.Name != "typed" });

        CarriedObject Of(string name) => result.Objects.Single(o => o.Old.Name == name);
        Assert.Equal(CarryOutcome.ToConvert, Of("grown").Outcome);
        Assert.Equal(CarryOutcome.Replaced, Of("other").Outcome);
        Assert.Equal((CarryOutcome.ToConvert, old, program.AddressOf("typed")), (Of("typed").Outcome, Of("typed").OldAddress, Of("typed").NewAddress));
        Assert.NotEqual(old, program.AddressOf("typed"));
        Assert.Equal(CarryOutcome.Gone, Of("gone").Outcome);
        Assert.Equal(CarryOutcome.LeftBehind, Of("lost").Outcome);
        Assert.Equal(1 + 7 + 2, program.Run("use"));
        // What is converted: the caller reads the old place and writes the new one.
        program.Write(Of("grown").NewAddress, BitConverter.GetBytes(11));
        Assert.Equal(11 + 7 + 2, program.Run("use"));
    }
}
