using CsCheck;
using Mvedsua.Tests;
using Mvedsua.Update.Transfer;

namespace Mvedsua.Update.Tests.Transfer;

/// <summary>Beside the library's stable sort.</summary>
public sealed class AddressOrderTests
{
    /// <summary>Near the ends of pages and of pieces, in neighbouring pieces and far ones.</summary>
    private static readonly Gen<ulong> s_address = Gen.Select(Fuzzing.OneOf(0ul, 1ul, 2ul, 40ul), Gen.Int[0, 2], Gen.Int[-70, 70],
        (piece, page, offset) => 0x5555_5540_0000 + (piece << 20) + (ulong)page * 4096 + (ulong)offset);

    [Fact]
    public void Addresses_are_put_in_order_and_equal_ones_stay_in_theirs() =>
        Gen.OneOf(s_address, Gen.ULong).Array[0, 200].Sample(addresses =>
        {
            var (ordered, places) = (addresses.ToArray(), Enumerable.Range(0, addresses.Length).ToArray());
            AddressOrder.Sort(ref ordered, ref places);
            Assert.Equal(addresses.Order(), ordered);
            Assert.Equal(Enumerable.Range(0, addresses.Length).OrderBy(i => addresses[i]), places); /* which is stable */
        }, iter: 2000, threads: 1);
}
