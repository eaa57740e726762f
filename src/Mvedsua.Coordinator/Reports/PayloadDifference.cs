using System.Globalization;
using System.Text;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Coordinator.Reports;

/// <summary>Where two in-payloads of the same call first differ, as the shim compares them: segment by segment, without
/// the parts of structures that are never compared.</summary>
/// <param name="Argument">Index of the argument.</param>
/// <param name="Offset">Byte within the argument's memory.</param>
/// <param name="Leader">The leader's bytes of that segment.</param>
/// <param name="Follower">The follower's.</param>
internal sealed record PayloadDifference(int Argument, int Offset, byte[] Leader, byte[] Follower)
{
    private const int Around = 16;

    /// <summary>Null when they are equal as far as both are known.</summary>
    internal static PayloadDifference? Find(CallRow? row, ReadOnlySpan<byte> leader, ReadOnlySpan<byte> follower)
    {
        var left = new Payload(leader);
        var right = new Payload(follower);
        while (true)
        {
            bool hasLeft = left.MoveNext(), hasRight = right.MoveNext();
            if (!hasLeft && !hasRight) return null;
            if (!hasLeft) return new PayloadDifference(right.Current.Argument, 0, [], right.Current.Bytes.ToArray());
            if (!hasRight) return new PayloadDifference(left.Current.Argument, 0, left.Current.Bytes.ToArray(), []);
            ReadOnlySpan<byte> a = left.Current.Bytes, b = right.Current.Bytes;
            int argument = left.Current.Argument;
            StructRow? structure = row is not null && left.Current.Role == SegmentRole.Bytes && argument < row.Arguments.Count
                ? row.Arguments[argument].Structure : null;
            int at = FirstDifference(a, b, structure);
            if (at >= 0) return new PayloadDifference(argument, at, a.ToArray(), b.ToArray());
        }
    }

    /// <summary>The bytes around the offset: hexadecimal with the differing one in brackets, then as text.</summary>
    internal static string Show(ReadOnlySpan<byte> bytes, int offset)
    {
        if (offset >= bytes.Length)
            return string.Create(CultureInfo.InvariantCulture, $"ends here, after {bytes.Length} bytes{Tail(bytes)}");
        int from = Math.Max(0, offset - Around), to = Math.Min(bytes.Length, offset + Around);
        var hex = new StringBuilder();
        var text = new StringBuilder();
        for (int i = from; i < to; i++)
        {
            string pair = bytes[i].ToString("x2", CultureInfo.InvariantCulture);
            hex.Append(i == offset ? $"[{pair}]" : pair).Append(i + 1 < to ? " " : "");
            text.Append(bytes[i] is >= 0x20 and < 0x7f ? (char)bytes[i] : '.');
        }
        return $"{(from > 0 ? "… " : "")}{hex}{(to < bytes.Length ? " …" : "")}  |{text}|";
    }

    private static string Tail(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? "" : ", on " + Show(bytes, bytes.Length - 1);

    private static int FirstDifference(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, StructRow? structure)
    {
        int shared = Math.Min(a.Length, b.Length), at = 0;
        while (at < shared)
        {
            int next = a[at..shared].CommonPrefixLength(b[at..shared]);
            at += next;
            if (at >= shared) break;
            if (!IsOpaque(structure, at)) return at;
            at++;
        }
        return a.Length == b.Length ? -1 : shared;
    }

    private static bool IsOpaque(StructRow? structure, int offset)
    {
        if (structure is null || structure.Size <= 0) return false;
        int within = offset % structure.Size;
        return structure.Opaque.Any(part => within >= part.Offset && within < part.Offset + part.Length);
    }
}
