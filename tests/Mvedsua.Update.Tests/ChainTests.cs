namespace Mvedsua.Update.Tests;

/// <summary>Updates on top of updates: what lives in the first image stays there for all that follow.</summary>
public sealed class ChainTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Data_and_entries_of_every_earlier_version_stay_valid()
    {
        const string Common = "#include <stdio.h>\nvoid agent(void); typedef int (*function)(int); extern int late, count, limit; int first(int), second(int), third(int);\n";
        var v1 = _bench.CompileLive("v1", Common + """
            int count, limit = 1; function held[4];
            int first(int x) { count++; return x + 1; }
            int second(int x) { count++; return x + 2; }
            int main(void) { held[0] = first; held[1] = second; agent(); return 0; }
            """);
        var v2 = _bench.CompileLive("v2", Common + """
            int late = 20, limit = 2, count; function held[4];
            int first(int x) { count += 10; return x + 10; }
            int third(int x) { late++; return x + 30; }
            int hold(void) { held[2] = third; return fprintf(stderr, "%s", ""); }
            int main(void) { agent(); return 0; }
            """);
        var v3 = _bench.CompileLive("v3", Common + """
            function held[4]; static char filler[3000] = {1}; int limit = 3, count, late = 20;
            int third(int x) { late += 10; return x + 300 + filler[1]; }
            int second(int x) { count += 100; return x + 200; }
            int first(int x) { count += 100; return x + 100; }
            long check(void) { return (held[0] == first) | (held[1] == second) << 1 | (held[2] == third) << 2 | (fileno(stderr) == 2) << 3; }
            int main(void) { agent(); return 0; }
            """);
        using var program = new LiveProgram(v1);
        var (first, second, count) = (program.AddressOf("first"), program.AddressOf("second"), program.AddressOf("count"));
        program.Call(first, [0]);

        program.Update(v2);
        Assert.Equal(11ul, program.Call(first, [1]));
        Assert.Throws<CrashException>(() => program.Call(second, [1]));
        var (third, late) = (program.AddressOf("third"), program.AddressOf("late"));
        Assert.Equal(0, program.Run("hold"));
        program.Call(third, [0]);
        Assert.Equal((11, 21, 2), (program.ReadInt("count"), program.ReadInt("late"), program.ReadInt("limit")));

        program.Update(v3);
        Assert.Equal(0b1111, program.Run("check"));
        Assert.Equal((101ul, 201ul, 301ul), (program.Call(first, [1]), program.Call(second, [1]), program.Call(third, [1])));
        Assert.Equal((211, 31, 3), (program.ReadInt("count"), program.ReadInt("late"), program.ReadInt("limit")));
        Assert.Equal((first, second, third, count, late), (program.AddressOf("first"), program.AddressOf("second"),
            program.AddressOf("third"), program.AddressOf("count"), program.AddressOf("late")));
        Assert.Equal(3, program.Image.Images.Count);
    }

    [Fact]
    public void Twelve_updates_in_a_row_and_back()
    {
        string Version(int n) => _bench.CompileLive($"v{n}", $$"""
            #include <stdlib.h>
            void agent(void);
            {{(n % 2 == 0 ? "static int filler[64] = {1, 2, 3}; int fill(int x) { return filler[x]++; }" : "")}}
            static struct node { struct node *next; int (*value)(struct node *); int mine; } *head;
            static int value(struct node *n) { return n->mine * {{n}}; }
            static const char *title[] = {"version", "{{n}}"};
            int add(int x) { struct node *n = malloc(sizeof *n); *n = (struct node){head, value, x}; head = n; return title[1][0]; }
            int sum(void) { int s = 0; for (struct node *n = head; n; n = n->next) s += n->value == value ? n->value(n) : 100000; return s; }
            int main(void) { agent(); return add(0) + sum(); }
            """);
        string[] versions = [.. Enumerable.Range(1, 4).Select(Version)];
        using var program = new LiveProgram(versions[0]);
        var expected = 0;
        for (var i = 1; i <= 12; i++)
        {
            program.Run("add", (ulong)i);
            expected += i;
            var n = i % 4;
            program.Update(versions[n]);
            Assert.Equal(expected * (n + 1), program.Run("sum"));
        }
    }
}
