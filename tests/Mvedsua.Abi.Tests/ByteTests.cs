using System.Globalization;
using System.Text;

namespace Mvedsua.Abi.Tests;

/// <summary>A record of each kind, written by C and read by C#, and the other way round.</summary>
public sealed class ByteTests
{
    private const int Version = 1, Slot = 100;
    private const ulong Generation = 0x123456789;

    [Fact]
    public void CSharp_reads_what_C_wrote()
    {
        using var memory = SessionMemory.Create("byte-test");
        var (status, written) = Records("write", memory);
        Assert.True(status == 0, written);
        using var reader = LogReader.Open(memory, Version, Slot, Generation, 0);
        var read = new StringBuilder();
        while (reader.TryPeek(out var e))
        {
            Print(read, e);
            reader.Consume();
        }

        Assert.Equal(written, read.ToString());
        Assert.Equal(54, read.ToString().Count(c => c == '\n'));
        Assert.Equal((0ul, 0ul), reader.Lag);
    }

    [Fact]
    public void C_reads_what_CSharp_wrote()
    {
        using var memory = SessionMemory.Create("byte-test");
        using var log = new HandMadeLog(memory, Version, Slot, Generation);
        var expected = new StringBuilder();
        var random = new Random(7);
        ushort[] calls = [0, 1, 59, 228, 461, .. Enum.GetValues<MvPseudoCall>().Where(c => c != MvPseudoCall.Jump).Select(c => (ushort)c)];
        (int In, int Out)[] sizes = [(0, 0), (8, 0), (0, 8), (128, 24), (4096, 16), (100_000, 80)];
        foreach (var call in calls)
        {
            foreach (var (inSize, outSize) in sizes)
            {
                var payload = new byte[inSize + outSize];
                random.NextBytes(payload);
                var e = new MvEvent { Call = call, Flags = 5, Result = -random.NextInt64(), Site = 0x401000, Stamp = 17 };
                for (var i = 0; i < 6; i++) unsafe { e.Args[i] = (ulong)random.NextInt64(); }
                log.Append(e, payload.AsSpan(0, inSize), payload.AsSpan(inSize));
            }
        }

        using (var reader = LogReader.Open(memory, Version, Slot, Generation, 1))
        {
            Assert.False(reader.TryPeek(out _)); // joined at the end
        }

        log.Expect(1);
        using (var reader = LogReader.Open(memory, Version, Slot, Generation, 1))
        {
            while (reader.TryPeek(out var e))
            {
                Print(expected, e);
                reader.Consume();
            }
        }

        log.Expect(0);
        var (status, read) = Records("read", memory);
        Assert.True(status == 0, read);
        Assert.Equal(expected.ToString(), read);
        Assert.Equal(calls.Length * sizes.Length, read.Count(c => c == '\n'));
        Assert.True(log.Jumps > 3);
    }

    [Fact]
    public void CSharp_reads_the_control_block_that_C_filled()
    {
        using var memory = SessionMemory.Create("byte-test");
        var (status, output) = Repository.Run(Repository.Program("log-records"), "control", PathOf(memory));
        Assert.True(status == 0, output);
        var control = memory.Control;
        control.Check();
        var divergence = control.Divergence(3);
        unsafe
        {
            Assert.Equal(output.TrimEnd(), string.Create(CultureInfo.InvariantCulture,
                $"{(uint)control.LeaderPid} {control.ReasonCode} {control.Generation} {control.SitesRefused} {control.Thread(1, 127).Frame:x} {divergence.Args[5]:x} {divergence.FollowerPayload[MvAbi.DivergenceBytes - 1]}"));
        }

        Assert.Equal(MvStage.Failover, control.Stage);
        Assert.Equal(MvReason.LeaderDied, control.Reason);
        Assert.Equal("why it ended: ä", control.ReasonText);
        Assert.Equal(new ShimMessage(70, 4321, 2, new string('x', 240)), control.Message(70));
        Assert.Null(control.Message(70 - MvAbi.Messages)); // overwritten
    }

    internal static string PathOf(SessionMemory memory) => $"/proc/{Environment.ProcessId}/fd/{memory.Descriptor}";

    private static (int Status, string Output) Records(string verb, SessionMemory memory) =>
        Repository.Run(Repository.Program("log-records"), verb, PathOf(memory), Version.ToString(CultureInfo.InvariantCulture),
            Slot.ToString(CultureInfo.InvariantCulture), Generation.ToString(CultureInfo.InvariantCulture));

    private static void Print(StringBuilder to, EventView e)
    {
        to.Append(CultureInfo.InvariantCulture, $"{e.Call} {(ushort)e.Flags} {e.Sequence} {e.Result} {e.Site:x} {e.Stamp}");
        foreach (var argument in e.Args) to.Append(CultureInfo.InvariantCulture, $" {argument:x}");
        to.Append(' ').Append(Hex(e.InPayload)).Append(' ').Append(Hex(e.OutPayload)).Append('\n');
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? "-" : Convert.ToHexStringLower(bytes);
}
