using Iced.Intel;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Coordinator.Launch;

/// <summary>Ways into the kernel found in code by decoding it from start to end.</summary>
/// <param name="Syscall"><c>syscall</c> instructions: what the shim rewrites.</param>
/// <param name="Legacy"><c>int 0x80</c> and <c>sysenter</c>: 32-bit ways in, which the shim refuses at run time.</param>
/// <param name="Invalid">Bytes that are no instruction: data between functions.</param>
public readonly record struct SiteCount(int Syscall, int Legacy, int Invalid)
{
    /// <summary>Sums two counts.</summary>
    public static SiteCount operator +(SiteCount a, SiteCount b) =>
        new(a.Syscall + b.Syscall, a.Legacy + b.Legacy, a.Invalid + b.Invalid);

    /// <inheritdoc cref="op_Addition"/>
    public static SiteCount Add(SiteCount left, SiteCount right) => left + right;
}

/// <summary>Counts system-call sites with a decoder of its own, independent of the shim's.</summary>
public static class SiteCounter
{
    /// <summary>Sites of all executable sections.</summary>
    public static SiteCount Count(IEnumerable<ElfCode> code) => code.Aggregate(default(SiteCount), (sum, c) => sum + Count(c));

    private static SiteCount Count(ElfCode code)
    {
        var decoder = Decoder.Create(64, new ByteArrayCodeReader(code.Bytes.ToArray()), code.Address);
        var end = code.Address + (ulong)code.Bytes.Length;
        int syscall = 0, legacy = 0, invalid = 0;
        while (decoder.IP < end)
        {
            decoder.Decode(out var instruction);
            switch (instruction.Code)
            {
                case Code.Syscall:
                    syscall++;
                    break;
                case Code.Sysenter:
                case Code.Int_imm8 when instruction.Immediate8 == 0x80:
                    legacy++;
                    break;
                case Code.INVALID:
                    invalid++;
                    break;
            }
        }

        return new SiteCount(syscall, legacy, invalid);
    }
}
