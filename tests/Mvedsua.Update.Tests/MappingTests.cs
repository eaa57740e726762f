using CsCheck;
using Mvedsua.Tests;

namespace Mvedsua.Update.Tests;

/// <summary>Lines of /proc/PID/maps.</summary>
public sealed class MappingTests
{
    [Fact]
    public void Every_line_of_this_process_is_read()
    {
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var mapping = Mapping.Parse(line);
            Assert.StartsWith($"{mapping.Start:x8}-{mapping.End:x8} ", line, StringComparison.Ordinal);
            Assert.EndsWith(mapping.Name, line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Protection_sharing_offset_and_names_with_spaces()
    {
        Assert.Equal(new Mapping(0x1000, 0x3000, MemoryProtection.Read | MemoryProtection.Execute, false, 0x2000, "/a b/c (deleted)"),
            Mapping.Parse("00001000-00003000 r-xp 00002000 08:01 77                         /a b/c (deleted)"));
        Assert.Equal(new Mapping(0x1000, 0x2000, MemoryProtection.Read | MemoryProtection.Write, true, 0, ""), Mapping.Parse("1000-2000 rw-s 00000000 00:00 0 "));
    }

    [Fact]
    public void A_damaged_line_is_read_or_refused()
    {
        var line = Gen.Const("7f0000001000-7f0000003000 r-xp 00002000 08:01 77 /usr/lib/libc.so.6"u8.ToArray());
        var refused = 0;
        Fuzzing.Damaged(line).Sample(bytes =>
        {
            try
            {
                _ = Mapping.Parse(System.Text.Encoding.UTF8.GetString(bytes));
            }
            catch (FormatException)
            {
                refused++;
            }
        }, iter: 20_000, threads: 1);
        Assert.True(refused > 0, "nothing was refused: is anything checked?");
    }
}
