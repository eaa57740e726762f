using System.Globalization;
using System.Text;

namespace Mvedsua.Abi.Calls;

/// <summary>The small pieces that strace's notation is made of.</summary>
internal static class CallText
{
    internal static string Decimal(long value) => value.ToString(CultureInfo.InvariantCulture);

    internal static string Unsigned(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    internal static string Hex(ulong value) => value == 0 ? "0" : $"0x{value:x}";

    internal static string Pointer(ulong value) => value == 0 ? "NULL" : $"0x{value:x}";

    internal static string Octal(ulong value) => ("0" + (value == 0 ? "" : Convert.ToString((long)value, 8))).PadLeft(3, '0');

    internal static string Signal(long value) => NameSet.Of("signal").NameOf(value) ?? value switch
    {
        32 => "SIGRTMIN",
        > 32 and <= 64 => $"SIGRT_{value - 32}",
        _ => Decimal(value),
    };

    /// <summary>The file type and permission bits of st_mode.</summary>
    internal static string FileMode(ulong mode)
    {
        var type = (long)(mode & 0xf000);
        return NameSet.Of("filetype").NameOf(type) is { } name ? $"{name}|{Octal(mode & 0xfff)}" : Octal(mode);
    }

    /// <summary>A signal set, or all but the named ones where that is shorter.</summary>
    internal static string SignalSet(ulong bits)
    {
        var (prefix, shown) = ulong.PopCount(bits) > 32 ? ("~[", ~bits) : ("[", bits);
        var names = new List<string>();
        for (var number = 1; number <= 64; number++)
            if ((shown >> (number - 1) & 1) != 0) names.Add(SetMember(number));
        return prefix + string.Join(' ', names) + "]";

        static string SetMember(int number)
        {
            var name = Signal(number);
            return name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        }
    }

    /// <summary>Bytes in quotes; at most <paramref name="limit"/> of them, then "...".</summary>
    internal static string Quote(ReadOnlySpan<byte> bytes, int limit)
    {
        var shown = bytes[..Math.Min(bytes.Length, limit)];
        var text = new StringBuilder(shown.Length + 5).Append('"');
        for (var i = 0; i < shown.Length; i++)
        {
            // An octal escape is as short as it can be, unless a digit follows that would be taken for a part of it.
            var digitFollows = i + 1 < shown.Length && shown[i + 1] is >= (byte)'0' and <= (byte)'9';
            Escape(text, shown[i], digitFollows);
        }
        text.Append('"');
        if (bytes.Length > limit) text.Append("...");
        return text.ToString();
    }

    /// <summary>A string that ends at its NUL; one that was cut off before it is marked.</summary>
    internal static string QuoteString(ReadOnlySpan<byte> bytes, int limit)
    {
        var end = bytes.IndexOf((byte)0);
        return end >= 0 ? Quote(bytes[..end], limit) : Quote(bytes, limit) + (bytes.Length > limit ? "" : "...");
    }

    private static void Escape(StringBuilder text, byte value, bool digitFollows)
    {
        switch (value)
        {
            case (byte)'"': text.Append("\\\""); break;
            case (byte)'\\': text.Append("\\\\"); break;
            case (byte)'\n': text.Append("\\n"); break;
            case (byte)'\r': text.Append("\\r"); break;
            case (byte)'\t': text.Append("\\t"); break;
            case (byte)'\v': text.Append("\\v"); break;
            case (byte)'\f': text.Append("\\f"); break;
            case >= 0x20 and < 0x7f: text.Append((char)value); break;
            default:
                var octal = Convert.ToString(value, 8);
                text.Append('\\').Append(digitFollows ? octal.PadLeft(3, '0') : octal);
                break;
        }
    }
}
