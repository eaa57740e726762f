using CsCheck;
using Mvedsua.Abi.Elf;
using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Launch.Tests;

/// <summary>A damaged file is either read or refused by name; it never ends the process or throws anything else.</summary>
public sealed class ElfDamageTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly byte[] _program;
    private readonly string _path;

    public ElfDamageTests()
    {
        _path = _bench.Compile("victim", Workbench.Empty, "-Wl,-z,shstk");
        _program = File.ReadAllBytes(_path);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Every_byte_of_the_headers_changed()
    {
        var programHeaders = BitConverter.ToUInt16(_program, 56);
        var refused = 0;
        for (var at = 0; at < 64 + (56 * programHeaders); at++)
        {
            foreach (var value in (byte[])[0, 0xff, 0x80, (byte)(_program[at] ^ 1), (byte)(_program[at] + 1)])
            {
                var damaged = (byte[])_program.Clone();
                damaged[at] = value;
                if (!Survives(damaged)) refused++;
            }
        }

        Assert.True(refused > 100, $"only {refused} were refused: is anything checked?");
    }

    [Fact]
    public void Truncated_anywhere()
    {
        // What is loaded ends well before the file does: only a cut below that must be refused.
        var loaded = Enumerable.Range(0, BitConverter.ToUInt16(_program, 56)).Select(i => 64 + (i * 56))
            .Where(at => BitConverter.ToUInt32(_program, at) == 1)
            .Max(at => (int)(BitConverter.ToUInt64(_program, at + 8) + BitConverter.ToUInt64(_program, at + 32)));
        for (var length = 0; length < _program.Length; length += length < 1024 ? 1 : 37)
            Assert.Equal(length >= loaded, Survives(_program[..length]));
    }

    [Fact]
    public void Random_bytes_changed() => Gen.Select(Gen.Int[0, _program.Length - 1], Gen.Byte).List[1, 40].Sample(
        changes =>
        {
            var damaged = (byte[])_program.Clone();
            foreach (var (at, value) in changes) damaged[at] = value;
            _ = Survives(damaged);
        },
        iter: 3000, threads: 1);

    [Fact]
    public void Random_bytes_behind_a_valid_identification() => Gen.Byte.Array[0, 400].Sample(
        tail => { _ = Survives([.. _program[..20], .. tail]); }, iter: 2000, threads: 1);

    // True when the file can be read, code and all; false when it is refused by name.
    private bool Survives(byte[] content)
    {
        File.WriteAllBytes(_path, content);
        _ = ProgramChecks.Check(_path);
        try
        {
            _ = SiteCounter.Count(ElfImage.Read(_path, withCode: true).Code);
            return true;
        }
        catch (ElfException e)
        {
            Assert.NotEmpty(e.Message);
            return false;
        }
    }
}
