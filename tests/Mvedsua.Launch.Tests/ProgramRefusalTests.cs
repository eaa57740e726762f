using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Launch.Tests;

/// <summary>Each kind of program that can't be run under the shim, as a real file.</summary>
public sealed class ProgramRefusalTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void An_ordinary_program_is_not_refused() => Assert.Empty(ProgramChecks.Check(_bench.Compile("fine", Workbench.Empty)));

    [Fact]
    public void A_program_at_a_fixed_address_is_not_refused() =>
        Assert.Empty(ProgramChecks.Check(_bench.Compile("fixed", Workbench.Empty, "-no-pie")));

    [Fact]
    public void A_static_program() => Refused(RefusalKind.StaticProgram, _bench.Compile("static", Workbench.Empty, "-static"));

    [Fact]
    public void A_static_position_independent_program() =>
        Refused(RefusalKind.StaticProgram, _bench.Compile("staticpie", Workbench.Empty, "-static-pie"));

    [Fact]
    public void A_go_program() => Refused(RefusalKind.GoProgram, _bench.Compile("go", """
        __asm__(".section .note.go.buildid,\"a\",@note\n.long 4, 8, 4\n.asciz \"Go\\0\"\n.ascii \"abcdefgh\"\n.previous\n");
        int main(void) { return 0; }
        """));

    [Fact]
    public void A_musl_program() =>
        Refused(RefusalKind.MuslProgram, _bench.Compile("musl", Workbench.Empty, "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1"));

    [Fact]
    public void A_program_of_an_unknown_loader() =>
        Refused(RefusalKind.UnknownInterpreter, _bench.Compile("odd", Workbench.Empty, "-Wl,--dynamic-linker=/system/bin/linker64"));

    [Fact]
    public void A_program_whose_loader_is_missing() => Refused(RefusalKind.InterpreterMissing,
        _bench.Compile("loaderless", Workbench.Empty, $"-Wl,--dynamic-linker={_bench.PathOf("gone")}/ld-linux-x86-64.so.2"));

    [Fact]
    public void A_32_bit_program()
    {
        // The header that gcc -m32 writes; its libraries aren't installed everywhere.
        var bytes = new byte[256];
        "\u007fELF"u8.CopyTo(bytes);
        (bytes[4], bytes[5], bytes[6], bytes[16], bytes[18]) = (1, 1, 1, 2, 3);
        Refused(RefusalKind.ThirtyTwoBit, _bench.Write("m32", bytes));
    }

    [Theory]
    [InlineData(183, 1, "64-bit ARM")]
    [InlineData(243, 1, "RISC-V")]
    [InlineData(22, 2, "big-endian")]
    public void A_program_for_another_processor(ushort machine, byte order, string named)
    {
        var bytes = File.ReadAllBytes(_bench.Compile("native", Workbench.Empty));
        BitConverter.TryWriteBytes(bytes.AsSpan(18), machine);
        bytes[5] = order;
        Assert.Contains(named, Refused(RefusalKind.OtherMachine, _bench.Write("foreign", bytes)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_object_file() => Refused(RefusalKind.UnknownFormat, _bench.Compile("object", Workbench.Empty, "-c"));

    [Fact]
    public void A_text_file() => Refused(RefusalKind.UnknownFormat, _bench.Write("text", "port 6379\n"u8));

    [Fact]
    public void An_empty_file() => Refused(RefusalKind.UnknownFormat, _bench.Write("empty", []));

    [Fact]
    public void A_truncated_program()
    {
        var bytes = File.ReadAllBytes(_bench.Compile("whole", Workbench.Empty));
        Refused(RefusalKind.CorruptProgram, _bench.Write("half", bytes.AsSpan(0, 4096)));
    }

    [Fact]
    public void A_set_user_id_program() => Refused(RefusalKind.SetId, WithMode(UnixFileMode.SetUser));

    [Fact]
    public void A_set_group_id_program() => Refused(RefusalKind.SetId, WithMode(UnixFileMode.SetGroup));

    [Fact]
    public void A_program_with_file_capabilities()
    {
        var setcap = Workbench.Find("setcap");
        Assert.SkipWhen(setcap is null, "needs setcap (libcap2-bin)");
        var program = _bench.Compile("capable", Workbench.Empty);
        var (status, _, errors) = Workbench.Run(setcap, "cap_net_bind_service=ep", program);
        Assert.SkipWhen(status != 0, $"setting file capabilities needs root: {errors.Trim()}");
        Refused(RefusalKind.FileCapabilities, program);
    }

    [Fact]
    public void A_program_with_a_shadow_stack_is_refused_only_where_it_would_be_on()
    {
        var program = _bench.Compile("shstk", Workbench.Empty, "-Wl,-z,shstk");
        Assert.Empty(ProgramChecks.Check(program));
        Assert.SkipUnless(ShadowStack.IsSupported(File.ReadLines("/proc/cpuinfo")), "needs a processor and kernel with user_shstk");
        Environment.SetEnvironmentVariable("GLIBC_TUNABLES", "glibc.cpu.hwcaps=SHSTK");
        try
        {
            Refused(RefusalKind.ShadowStack, program);
        }
        finally
        {
            Environment.SetEnvironmentVariable("GLIBC_TUNABLES", null);
        }
    }

    private string WithMode(UnixFileMode bit)
    {
        var program = _bench.Compile("privileged", Workbench.Empty);
        File.SetUnixFileMode(program, File.GetUnixFileMode(program) | bit);
        return program;
    }

    private static string Refused(RefusalKind kind, string program)
    {
        var refusal = ProgramChecks.Check(program)[0];
        Assert.Equal(kind, refusal.Kind);
        Sentence.Check(refusal.Message);
        Assert.Contains(program, refusal.Message, StringComparison.Ordinal);
        return refusal.Message;
    }
}
