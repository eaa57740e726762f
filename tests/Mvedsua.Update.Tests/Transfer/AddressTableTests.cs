using CsCheck;
using Mvedsua.Update.Transfer;

namespace Mvedsua.Update.Tests.Transfer;

/// <summary>Numbers by addresses, beside a dictionary.</summary>
public sealed class AddressTableTests
{
    /// <summary>Near the ends of pieces and words, at any alignment; few, so that they meet.</summary>
    private static readonly Gen<ulong> s_address = Gen.Select(Gen.Int[0, 3], Gen.Int[-40, 40], (piece, offset) => 0x5555_5540_0000 + ((ulong)piece << 20) + (ulong)offset);

    [Fact]
    public void Numbers_are_found_by_their_address_and_by_no_other() =>
        Gen.Select(Gen.Bool, s_address, Gen.Int[0, int.MaxValue - 1]).List[0, 60].Sample(changes =>
        {
            var (table, plain) = (new AddressTable(), new Dictionary<ulong, int>());
            foreach (var (sets, address, number) in changes)
            {
                if (sets) table.Set(address, plain[address] = number);
                else
                {
                    table.Remove(address);
                    plain.Remove(address);
                }
            }

            foreach (var (_, near, _) in changes)
                for (var address = near - 17; address <= near + 17; address++)
                {
                    Assert.Equal(plain.TryGetValue(address, out var wanted), table.TryGet(address, out var number));
                    if (plain.ContainsKey(address)) Assert.Equal(wanted, number);
                }
        }, iter: 2000, threads: 1);
}
