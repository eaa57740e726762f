using System.Diagnostics.CodeAnalysis;

namespace Mvedsua.Update.Transfer;

/// <summary>Something for each piece of 1 MiB of the address space that has anything. Many questions in a row are about few pieces: those are at hand.</summary>
internal sealed class Pieces<T> where T : class
{
    internal const int Bits = 20, Size = 1 << Bits;

    private const int Recent = 256;

    private readonly Dictionary<ulong, T> _pieces = [];

    /* Each at the place that the last bits of its number say. */
    private readonly (ulong Number, T? Piece)[] _recent = new (ulong, T?)[Recent];

    /// <summary>The first addresses of all pieces and what they have, in order.</summary>
    internal IEnumerable<(ulong Start, T Piece)> All => _pieces.OrderBy(p => p.Key).Select(p => (p.Key << Bits, p.Value));

    /// <summary>What the piece of an address has.</summary>
    internal bool TryGet(ulong address, [NotNullWhen(true)] out T? piece)
    {
        var number = address >> Bits;
        ref var recent = ref _recent[number % Recent];
        if (recent.Piece is null || recent.Number != number)
        {
            if (!_pieces.TryGetValue(number, out piece)) return false;
            recent = (number, piece);
        }
        piece = recent.Piece!;
        return true;
    }

    /// <summary>To a piece that has nothing yet.</summary>
    internal T Add(ulong address, T piece)
    {
        _pieces.Add(address >> Bits, piece);
        return piece;
    }

    internal void Clear()
    {
        _pieces.Clear();
        Array.Clear(_recent);
    }
}
