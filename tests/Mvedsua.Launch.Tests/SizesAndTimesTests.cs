using CsCheck;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Launch.Tests;

public sealed class SizesAndTimesTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("1048576", 1 << 20)]
    [InlineData("64MiB", 64 << 20)]
    [InlineData("64M", 64 << 20)]
    [InlineData("64mb", 64 << 20)]
    [InlineData("1g", 1 << 30)]
    [InlineData("0.5GiB", 1 << 29)]
    [InlineData("0.5k", 512)]
    [InlineData("10B", 10)]
    public void Sizes(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text));

    [Fact]
    public void A_bare_fraction_is_a_share_of_memory() =>
        Assert.InRange(ByteSize.Parse("0.25"), (ByteSize.Memory / 4) - 1, ByteSize.Memory / 4);

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1.2.3M")]
    [InlineData("M")]
    [InlineData("1x")]
    [InlineData("1 MiB")]
    [InlineData("0.0000000001k")]
    [InlineData("8589934592g")]
    [InlineData("99999999999999999999")]
    [InlineData("1e3")]
    public void Not_sizes(string text) => Assert.Contains(text, Assert.Throws<FormatException>(() => ByteSize.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_size_is_read_back() => Gen.Long[1, long.MaxValue].Sample(
        bytes => ByteSize.Parse(bytes.ToString(System.Globalization.CultureInfo.InvariantCulture)) == bytes);

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.00 KiB")]
    [InlineData(1536, "1.50 KiB")]
    [InlineData(10240, "10.0 KiB")]
    [InlineData(1048575, "1.00 MiB")]
    [InlineData(100 << 20, "100 MiB")]
    [InlineData(long.MaxValue, "8388608 TiB")]
    public void Sizes_for_people(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));

    [Theory]
    [InlineData("500ms", 500_000)]
    [InlineData("2s", 2_000_000)]
    [InlineData("1.5min", 90_000_000)]
    [InlineData("10us", 10)]
    [InlineData("1h", 3_600_000_000)]
    public void Times(string text, long microseconds)
    {
        Assert.True(TimeText.TryParse(text, out var time));
        Assert.Equal(TimeSpan.FromMicroseconds(microseconds), time);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("0s")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1 s")]
    [InlineData("99999999h")]
    public void Not_times(string text) => Assert.False(TimeText.TryParse(text, out _));

    [Fact]
    public void A_lag_limit_is_a_size_or_a_time()
    {
        Assert.Equal(new LagLimit.Bytes(1 << 20), LagLimit.Parse("1MiB"));
        Assert.Equal(new LagLimit.Bytes(5 << 20), LagLimit.Parse("5m"));
        Assert.Equal(new LagLimit.Age(TimeSpan.FromSeconds(2)), LagLimit.Parse("2s"));
        Assert.Throws<FormatException>(() => LagLimit.Parse("soon"));
    }

    [Theory]
    [InlineData("/usr/bin/redis-server", "redis-server")]
    [InlineData("./..hidden", "hidden")]
    [InlineData("/x/wéird näme", "wirdnme")]
    [InlineData("/x/…", "server")]
    public void A_session_is_named_after_its_program(string program, string name) => Assert.Equal(name, SessionName.FromProgram(program));

    [Fact]
    public void The_name_made_from_any_program_is_valid() =>
        Gen.String.Sample(program => Assert.True(SessionName.IsValid(SessionName.FromProgram(program))));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("-x")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    public void Not_names(string name) => Assert.False(SessionName.IsValid(name));
}
