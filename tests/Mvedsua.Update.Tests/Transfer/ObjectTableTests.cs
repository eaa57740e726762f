using CsCheck;
using Mvedsua.Tests;
using Mvedsua.Update.Transfer;

namespace Mvedsua.Update.Tests.Transfer;

/// <summary>Which object an address belongs to, beside a search of all.</summary>
public sealed class ObjectTableTests
{
    /// <summary>Near the ends of pages and of pieces, in neighbouring pieces and far ones.</summary>
    private static readonly Gen<ulong> s_address = Gen.Select(Fuzzing.OneOf(0ul, 1ul, 2ul, 40ul), Gen.Int[0, 2], Gen.Int[-70, 70],
        (piece, page, offset) => 0x5555_5540_0000 + (piece << 20) + (ulong)page * 4096 + (ulong)offset);

    private static readonly Gen<ulong> s_room = Gen.OneOf(Gen.ULong[0, 100], Gen.ULong[4000, 9000], Gen.ULong[1 << 20, 3 << 20]);

    [Fact]
    public void An_address_belongs_to_the_last_object_before_it_that_reaches_so_far() =>
        Gen.Select(s_address, s_room, Gen.Int[0, 5]).List[0, 40].Sample(made =>
        {
            var table = new ObjectTable();
            foreach (var (old, room, kind) in made)
            {
                if (table.TryGet(old, out _)) continue;
                var number = table.Add(new Found { Old = old, New = old, Room = room });
                if (kind == 0) table.MakePart(number);
            }
            table.Sort();
            foreach (var (old, room, _) in made)
                foreach (var place in (ulong[])[old, old + room, old + (1 << 20)])
                    for (var address = place - 20; address <= place + 20; address++) Assert.Equal(Searched(table, address), table.Containing(address));
        }, iter: 1000, threads: 1);

    private static int Searched(ObjectTable table, ulong address)
    {
        var last = -1;
        for (var i = 0; i < table.Count; i++)
            if (!table[i].IsPart && table[i].Old <= address && (last < 0 || table[i].Old > table[last].Old)) last = i;
        return last >= 0 && address <= table[last].Old + table[last].Room ? last : -1;
    }
}
