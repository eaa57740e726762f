using CsCheck;
using Mvedsua.Tests;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>The libraries of a process are read from its memory, which may be damaged.</summary>
public sealed class LoadedLibrariesTests : IDisposable
{
    private const string Source = "#include <string.h>\nvoid agent(void); int main(int argc, char **argv) { agent(); return (int)strlen(argv[argc - 1]); }";

    private readonly Workbench _bench = new();
    private readonly LiveProgram _program;

    public LoadedLibrariesTests() => _program = new LiveProgram(_bench.CompileLive("program", Source));

    public void Dispose()
    {
        _program.Dispose();
        _bench.Dispose();
    }

    [Fact]
    public void Names_are_found_in_the_order_of_the_libraries_with_their_versions()
    {
        var libraries = new LoadedLibraries(_program, _program.Image.DynamicSection);

        Assert.EndsWith("libagent.so", libraries.All[0].Path, StringComparison.Ordinal);
        Assert.Contains(libraries.All, l => l.SoName == "libc.so.6");
        var libc = _program.Mappings.First(m => m.Name.EndsWith("libc.so.6", StringComparison.Ordinal));
        Assert.InRange(libraries.Find("exit", "GLIBC_2.2.5") ?? 0, libc.Start, libc.Start + (16 << 20));
        Assert.Equal(libraries.Find("exit", "GLIBC_2.2.5"), libraries.Find("exit", null));
        // two versions of one name: the one that is asked for, and of none the default
        Assert.NotEqual(libraries.Find("memcpy", "GLIBC_2.2.5"), libraries.Find("memcpy", "GLIBC_2.14"));
        Assert.Equal(libraries.Find("memcpy", "GLIBC_2.14"), libraries.Find("memcpy", null));
        Assert.Null(libraries.Find("exit", "GLIBC_9.9"));
        Assert.Null(libraries.Find("no_such_function", null));
        // a function that chooses its implementation is asked
        Assert.Equal(4ul, _program.Call(libraries.Find("strlen", null) ?? 0, [StringAddress("main")]));
    }

    [Fact]
    public void Damaged_memory_is_read_or_refused()
    {
        var refused = 0;
        var change = Gen.Select(Gen.Int[0, 4000], Fuzzing.AwkwardNumber);
        change.Array[1, 4].SampleUntil(changes =>
        {
            try
            {
                _ = new LoadedLibraries(new Damaged(_program, changes), _program.Image.DynamicSection).Find("exit", "GLIBC_2.2.5");
            }
            catch (UpdateRefusedException)
            {
                refused++;
            }
        }, () => refused > 0, Fuzzing.Seconds);
        Assert.True(refused > 0, "nothing was refused: is anything checked?");
    }

    /// <summary>A word of the program's own names, to have a string in it.</summary>
    private ulong StringAddress(string name)
    {
        var strings = _program.File.Sections.Single(s => s.Name == ".interp");
        Span<byte> bytes = stackalloc byte[16];
        _program.Read(_program.Image.Base + strings.Address, bytes);
        Assert.Equal((byte)'/', bytes[0]);
        return _program.Image.Base + strings.Address + strings.Size - 1 - (ulong)name.Length;
    }

    /// <summary>A process of which some reads give other words.</summary>
    private sealed class Damaged(IUpdatedProcess whole, (int Place, ulong Value)[] changes) : IUpdatedProcess
    {
        private int _reads;

        public void Read(ulong address, Span<byte> into)
        {
            whole.Read(address, into);
            // The first reads are those of the list and the dynamic sections.
            var (place, value) = changes[_reads++ % changes.Length];
            if (place + 8 <= into.Length) BitConverter.TryWriteBytes(into[(place & ~7)..], value);
        }

        public IReadOnlyList<Mapping> Mappings => whole.Mappings;

        public ulong Call(ulong function, ReadOnlySpan<ulong> arguments) => 0;

        public void Write(ulong address, ReadOnlySpan<byte> bytes) => throw new InvalidOperationException("nothing is to be written");

        public void Map(ulong address, ulong length, MemoryProtection protection) => throw new InvalidOperationException("nothing is to be mapped");

        public void Protect(ulong address, ulong length, MemoryProtection protection) => throw new InvalidOperationException("nothing is to be protected");
    }
}
