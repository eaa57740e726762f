using System.Runtime.InteropServices;

namespace Mvedsua.Update.Transfer;

/// <summary>A word in the process that holds the address of a block that was replaced.</summary>
/// <param name="Place">Where the word stands.</param>
/// <param name="Where">What is mapped there.</param>
/// <param name="Target">The block's type and how it was found.</param>
public sealed record LeftOver(ulong Place, string Where, string Target);

/// <summary>
/// Looks through all private writable memory for addresses of replaced blocks that the typed walk didn't come to: pointers that a library
/// keeps (the argument of a callback), or ones that
/// are kept as integers. Memory that was given back holds such words too, so what is found is told and not refused; a word in a library's
/// own data is worth a look.
/// </summary>
internal sealed class LeftOvers(IUpdatedProcess process, ObjectTable objects, bool isGlibc)
{
    /// <summary>Found ones are counted; so many are told.</summary>
    internal const int MostTold = 20;

    private const int Piece = 1 << 18; /* stays in a core's cache until it was looked through */

    private ulong _least = ulong.MaxValue, _greatest;
    private FreedMemory? _freed;

    internal long Count { get; private set; }

    internal List<LeftOver> Told { get; } = [];

    /// <summary>To be called when the new objects are written and the old ones not yet freed.</summary>
    internal void Find()
    {
        foreach (ref readonly var found in objects.All)
        {
            if (found.IsStatic || found.IsPart || !found.IsMoved) continue;
            (_least, _greatest) = (Math.Min(_least, found.Old), Math.Max(_greatest, found.Old));
        }

        if (_greatest == 0) return;
        var piece = GC.AllocateUninitializedArray<byte>(Piece);
        foreach (var mapping in process.Mappings)
        {
            /* The new version begins on a fresh stack; what the old frames hold is never read again. */
            if (mapping.IsShared || mapping.Name == "[stack]"
                || (mapping.Protection & (MemoryProtection.Read | MemoryProtection.Write)) != (MemoryProtection.Read | MemoryProtection.Write)) continue;
            for (var at = mapping.Start; at < mapping.End; at += Piece)
            {
                var part = piece.AsSpan(0, (int)Math.Min(Piece, mapping.End - at));
                process.Read(at, part);
                Find(at, MemoryMarshal.Cast<byte, ulong>(part), mapping);
            }
        }
    }

    private void Find(ulong start, ReadOnlySpan<ulong> words, in Mapping mapping)
    {
        for (var i = 0; i < words.Length; i++)
        {
            var word = words[i];
            if (word - _least > _greatest - _least) continue;
            if (!objects.TryGet(word, out var number) || !objects[number].IsMoved || objects[number].IsStatic) continue;
            var place = start + (ulong)i * 8;
            /* In an old object; it is about to go. */
            if (objects.Containing(place) is >= 0 and var around && objects[around].IsMoved) continue;
            if (isGlibc && mapping.Name == "[heap]" && (_freed ??= new FreedMemory(process, mapping)).Holds(place)) continue;
            Count++;
            if (Told.Count < MostTold)
                Told.Add(new LeftOver(place, mapping.Name.Length == 0 ? "anonymous memory" : mapping.Name,
                    $"{objects[number].Plan.Pair.Old} ({objects.PathOf(number)})"));
        }
    }
}
