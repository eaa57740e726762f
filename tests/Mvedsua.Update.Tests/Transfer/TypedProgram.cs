using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Transfer;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Tests.Transfer;

/// <summary>A running program of the old version with the state that its build() made, and a new version whose check() looks at that state.</summary>
internal sealed class TypedProgram : IDisposable
{
    private const string Common = """
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <malloc.h>
        #define CHECK(what) do { if (!(what)) return __LINE__; } while (0)
        void agent(void);
        #line 1

        """;

    private readonly Workbench _bench = new();
    private readonly TypedUpdate _update;
    private readonly string _new;

    /// <param name="old">The old version's C text, with a function build().</param>
    /// <param name="new">The new version's, with a function check() that returns 0, or the number of a line.</param>
    /// <param name="description">What the description says.</param>
    /// <param name="converters">The C text of functions that convert, which the description calls "convert.c".</param>
    /// <param name="flags">Further words for the compiler.</param>
    internal TypedProgram(string old, string @new, string description = "", string converters = "", params string[] flags)
    {
        flags = ["-g", "-w", "-O1", "-Wl,--emit-relocs", .. flags];
        var before = _bench.CompileLive("old", $"{Common}{old}\nint main(void) {{ build(); agent(); return 0; }}\n", flags);
        _new = _bench.CompileLive("new", $"{Common}{@new}\nint main(void) {{ agent(); return check(); }}\n", flags);
        File.WriteAllText(_bench.PathOf("test.update"), description);
        File.WriteAllText(_bench.PathOf("convert.c"), converters);
        _update = TypedUpdate.Prepare(before, _new, _bench.PathOf("test.update"));
        Process = new LiveProgram(before);
    }

    internal LiveProgram Process { get; }

    internal TransferReport Transfer()
    {
        var linked = Process.Update(_new, _update.Options);
        return _update.Carry(linked, Process);
    }

    /// <summary>Carries the state over; then the new version's own code must find everything as it should be.</summary>
    internal TransferReport TransferAndCheck()
    {
        var report = Transfer();
        Assert.Equal(0, Process.Run("check"));
        return report;
    }

    public void Dispose()
    {
        Process.Dispose();
        _update.Dispose();
        _bench.Dispose();
    }
}
