using Mvedsua.Replication.Measuring;

namespace Mvedsua.Bench.Tests;

public sealed class AffinityTests
{
    [Fact]
    public void A_list_has_numbers_and_ranges() => Assert.Equal([0, 1, 3, 8], Affinity.Parse("8,0-1,3").Order());

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("1-")]
    [InlineData("2-1")]
    [InlineData("0-1-2")]
    [InlineData("0,,1")]
    [InlineData("-1")]
    [InlineData("1024")]
    public void What_is_no_list_is_refused(string text) => Assert.Throws<FormatException>(() => Affinity.Parse(text));

    [Fact]
    public void What_may_be_used_now_is_a_list() => Assert.NotEmpty(Affinity.Parse(Affinity.Allowed()));
}
