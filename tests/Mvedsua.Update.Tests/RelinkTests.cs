using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>A running program goes on with its data in another version's code.</summary>
public sealed class RelinkTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("-O2")]
    [InlineData("-O0")]
    [InlineData("-O2 -fPIC")]
    [InlineData("-O3 -fno-plt")]
    [InlineData("-Os")]
    [InlineData("-O2 -Wl,-z,pack-relative-relocs")]
    [InlineData("-O2 -mcmodel=large")]
    [InlineData("-O2 -mcmodel=medium -ffunction-sections -fdata-sections")]
    [InlineData("-O2 -fcf-protection=full -Wl,-z,now")]
    public void New_code_runs_on_old_data_through_pointers_that_the_heap_holds(string flags)
    {
        const string Common = """
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            void agent(void);
            typedef int (*handler)(int);
            struct node { handler run; int *slot, *end; const char *name; const char **names; struct node *next; };
            static int twice(int x);
            int thrice(int x);
            """;
        const string Old = Common + """
            static int values[6] = {1, 2, 3, 4, 5, 6};
            static const char *names[] = {"zero", "one", "two"};
            static struct node *nodes;
            static int calls;
            handler table[2] = {twice, thrice};
            static int twice(int x) { calls++; return 2 * x; }
            int thrice(int x) { calls++; return 3 * x; }
            int count(void) { int n = 0; for (struct node *p = nodes; p; p = p->next) n++; return n + calls; }
            static int next(void) { static int number = 40; return ++number; }
            int main(void)
            {
                for (int i = 0; i < 3; i++) {
                    struct node *n = malloc(sizeof *n);
                    *n = (struct node){table[i % 2], &values[i], values + 6, names[i], names, nodes};
                    nodes = n;
                    values[i] += next();
                }
                agent();
                return 0;
            }
            """;
        // The order, the neighbours and the sizes of code and data differ.
        const string New = Common + """
            static char padding[100] = "a new variable before all others";
            static int calls;
            int thrice(int x) { calls += 100; return 1000 * x; }
            static int added(int x) { return x + padding[0]; }
            static const char *names[] = {"zero", "one", "two"};
            static struct node *nodes;
            static int fresh = 17;
            static int values[6] = {1, 2, 3, 4, 5, 6};
            static int twice(int x) { calls += 100; return 500 * x + fresh - 17; }
            handler table[2] = {twice, thrice};
            static int next(void) { static int number = 40; return ++number; }
            void forget(void) { nodes = NULL; }
            long check(void)
            {
                long wrong = 0;
                int i = 2;
                for (struct node *n = nodes; n; n = n->next, i--) {
                    if (n->run != (i % 2 ? thrice : twice)) wrong |= 1;
                    if (n->run(2) != (i % 2 ? 2000 : 1000)) wrong |= 2;
                    if (n->slot != &values[i]) wrong |= 4;
                    if (*n->slot != 42 + 2 * i) wrong |= 8;
                    if (n->end - n->slot != 6 - i) wrong |= 16;
                    if (n->names != names) wrong |= 32;
                    if (strcmp(n->name, names[i])) wrong |= 64;
                }
                if (i != -1) wrong |= 128;
                if (next() != 44) wrong |= 256;
                if (calls != 300) wrong |= 512;
                if (table[0] != twice || table[1] != thrice) wrong |= 1024;
                if (fileno(stdout) != 1) wrong |= 2048;
                int sum = 0;
                for (int *p = values; p < values + 6; p++) sum += *p;
                if (sum != 42 + 44 + 46 + 4 + 5 + 6) wrong |= 4096;
                if (added(1) != 'a' + 1) wrong |= 8192;
                return wrong;
            }
            int main(void) { agent(); return (int)check(); }
            """;
        string[] all = ["-g", "-Wl,--emit-relocs", .. flags.Split(' ')];
        using var program = new LiveProgram(_bench.CompileLive("old", Old, all));

        var result = program.Update(_bench.CompileLive("new", New, all));

        Assert.Equal(0, program.Run("check"));
        Assert.True(result.Rebound > 0);
    }
}
