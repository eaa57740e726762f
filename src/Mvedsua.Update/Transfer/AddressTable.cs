namespace Mvedsua.Update.Transfer;

/// <summary>
/// Numbers of objects by their addresses. Allocators place blocks at multiples of 16, so one look into an array of the address's piece finds
/// them, and neighbours in the process are neighbours here: a hash table of a million objects would miss the cache at each. Takes a
/// quarter of the memory in which there are objects.
/// </summary>
internal sealed class AddressTable
{
    private const int GrainBits = 4, Grain = 1 << GrainBits;

    /* Each number plus one; 0: none. */
    private readonly Pieces<int[]> _aligned = new();

    /* Of variables, mostly. */
    private readonly Dictionary<ulong, int> _others = [];

    /// <summary>An object takes the place of any other at the address.</summary>
    internal void Set(ulong address, int number)
    {
        if (address % Grain != 0)
        {
            _others[address] = number;
            return;
        }
        if (!_aligned.TryGet(address, out var piece)) piece = _aligned.Add(address, new int[Pieces<int[]>.Size / Grain]);
        piece[Index(address)] = number + 1;
    }

    internal bool TryGet(ulong address, out int number)
    {
        if (address % Grain != 0) return _others.TryGetValue(address, out number);
        number = _aligned.TryGet(address, out var piece) ? piece[Index(address)] - 1 : -1;
        return number >= 0;
    }

    internal void Remove(ulong address)
    {
        if (address % Grain != 0) _others.Remove(address);
        else if (_aligned.TryGet(address, out var piece)) piece[Index(address)] = 0;
    }

    private static int Index(ulong address) => (int)(address % Pieces<int[]>.Size) >> GrainBits;
}
