namespace Mvedsua.Update.Transfer;

/// <summary>
/// Puts addresses in order; equal ones stay in theirs. Digit by digit (radix sort): the heap of a million objects spans few digits, and
/// the order of a hash table, in which they are found, would cost a comparison sort a mispredicted branch at every second comparison.
/// </summary>
internal static class AddressOrder
{
    private const int DigitBits = 11, Digits = 1 << DigitBits;

    /// <param name="addresses">Are put in order.</param>
    /// <param name="items">Go with them.</param>
    internal static void Sort(ref ulong[] addresses, ref int[] items)
    {
        if (addresses.Length < 2) return;
        var (least, greatest) = (addresses.Min(), addresses.Max());
        var (otherAddresses, otherItems) = (new ulong[addresses.Length], new int[items.Length]);
        Span<int> next = stackalloc int[Digits];
        for (var shift = 0; shift < 64 && (greatest - least) >> shift != 0; shift += DigitBits)
        {
            next.Clear();
            foreach (var address in addresses) next[Digit(address)]++;
            if (next[0] == addresses.Length) continue; /* the least one has 0, and so have all */
            var place = 0;
            foreach (ref var digit in next) (digit, place) = (place, place + digit);
            for (var i = 0; i < addresses.Length; i++)
            {
                var to = next[Digit(addresses[i])]++;
                (otherAddresses[to], otherItems[to]) = (addresses[i], items[i]);
            }
            (addresses, otherAddresses, items, otherItems) = (otherAddresses, addresses, otherItems, items);

            int Digit(ulong address) => (int)(address - least >> shift) & (Digits - 1);
        }
    }
}
