using System.Diagnostics.CodeAnalysis;

namespace Mvedsua.Update.Transfer;

/// <summary>Something for each piece of 1 MiB of the address space that has anything. Many questions in a row are about one piece: the last one is at hand.</summary>
internal sealed class Pieces<T> where T : class
{
    internal const int Bits = 20, Size = 1 << Bits;

    private readonly Dictionary<ulong, T> _pieces = [];
    private T? _last;
    private ulong _lastNumber = ulong.MaxValue;

    /// <summary>The first addresses of all pieces and what they have, in order.</summary>
    internal IEnumerable<(ulong Start, T Piece)> All => _pieces.OrderBy(p => p.Key).Select(p => (p.Key << Bits, p.Value));

    /// <summary>What the piece of an address has.</summary>
    internal bool TryGet(ulong address, [NotNullWhen(true)] out T? piece)
    {
        var number = address >> Bits;
        if (number != _lastNumber)
        {
            if (!_pieces.TryGetValue(number, out piece)) return false;
            (_last, _lastNumber) = (piece, number);
        }
        piece = _last!;
        return true;
    }

    internal T Add(ulong address, T piece)
    {
        (_last, _lastNumber) = (piece, address >> Bits);
        return _pieces[_lastNumber] = piece;
    }

    internal void Clear()
    {
        _pieces.Clear();
        (_last, _lastNumber) = (null, ulong.MaxValue);
    }
}
