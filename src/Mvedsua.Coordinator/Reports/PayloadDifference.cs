using System.Globalization;
using System.Text;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Coordinator.Reports;

/// <summary>Where two in-payloads of the same call first differ, as the shim compares them: argument by argument, without
/// the parts of structures that are never compared.</summary>
/// <param name="Argument">Index of the argument.</param>
/// <param name="Offset">Byte within the argument's memory.</param>
/// <param name="Leader">The leader's bytes of that argument, as far as they were kept.</param>
/// <param name="Follower">The follower's.</param>
internal sealed record PayloadDifference(int Argument, int Offset, byte[] Leader, byte[] Follower)
{
    private const int Around = 16;
    private const int KeptBytes = (int)MvAbi.DivergenceBytes - 256; /* of either side, with a record's header and words: a longer one is cut */

    /// <summary>Null when they are equal as far as both are known.</summary>
    internal static PayloadDifference? Find(CallRow? row, ReadOnlySpan<byte> leader, ReadOnlySpan<byte> follower)
    {
        List<Part> left = Parts(leader), right = Parts(follower);
        bool isCut = leader.Length >= KeptBytes || follower.Length >= KeptBytes;
        for (int i = 0; i < left.Count || i < right.Count; i++)
        {
            if (i >= left.Count) return isCut ? null : new PayloadDifference(right[i].Argument, 0, [], [.. right[i].Bytes]);
            if (i >= right.Count) return isCut ? null : new PayloadDifference(left[i].Argument, 0, [.. left[i].Bytes], []);
            byte[] a = [.. left[i].Bytes], b = [.. right[i].Bytes];
            int argument = left[i].Argument;
            StructRow? structure = row is not null && left[i].Role == SegmentRole.Bytes && argument < row.Arguments.Count
                ? row.Arguments[argument].Structure : null;
            int at = FirstDifference(a, b, structure);
            if (at < 0) continue;
            return isCut && at == Math.Min(a.Length, b.Length) ? null : new PayloadDifference(argument, at, a, b);
        }
        return null;
    }

    /// <summary>What one argument's segments hold together.</summary>
    private sealed record Part(int Argument, SegmentRole Role, int Message, List<byte> Bytes);

    private static List<Part> Parts(ReadOnlySpan<byte> payload)
    {
        var parts = new List<Part>();
        foreach (PayloadSegment segment in new Payload(payload, isCut: true))
        {
            if (parts is not [.., var last] || (last.Argument, last.Role, last.Message) != (segment.Argument, segment.Role, segment.Message))
                parts.Add(last = new Part(segment.Argument, segment.Role, segment.Message, []));
            last.Bytes.AddRange(segment.Bytes);
        }
        return parts;
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
