using System.Globalization;
using System.Net;
using System.Text;

namespace Mvedsua.Abi.Calls;

/// <summary>Prints the memory of an argument according to its structure.</summary>
internal static class StructFormatter
{
    private const ulong SaRestorer = 0x04000000;

    /// <summary>Memory that holds one structure, several, or plain bytes.</summary>
    internal static string Format(ArgumentRow argument, ReadOnlySpan<byte> bytes, CallFormatOptions options)
    {
        var structure = argument.Structure;
        switch (structure.Name)
        {
            case "bytes":
                return CallText.Quote(bytes, options.StringLimit);
            case "sockaddr":
                return SocketAddress(bytes, options);
            case "pathname":
                return CallText.Quote(bytes.IndexOf((byte)0) is >= 0 and var end ? bytes[..end] : bytes, int.MaxValue);
            case "sigset":
                return CallText.SignalSet(StructFields.Word(bytes));
            case "dirent" or "dirent64":
                return $"/* {Entries(bytes)} entries */";
        }
        // One structure that may be cut short, against an array of whole ones.
        var isArray = argument.Kind != ArgumentKind.EpollEvent &&
            (argument.LengthArgument >= 0 ? argument.Unit == structure.Size : argument.Unit != structure.Size);
        if (!isArray) return One(structure, bytes, options);
        var parts = new List<string>();
        for (var at = 0; at + structure.Size <= bytes.Length; at += structure.Size)
        {
            if (parts.Count == options.ElementLimit)
            {
                parts.Add("...");
                break;
            }
            parts.Add(Element(structure, bytes.Slice(at, structure.Size), options));
        }
        return $"[{string.Join(", ", parts)}]";
    }

    /// <summary><c>{name=value, …}</c> of the fields that the bytes hold, or null for a structure without fields.</summary>
    internal static string? Fields(string structure, ReadOnlySpan<byte> bytes)
    {
        if (StructFields.Of(structure) is not { } fields) return null;
        var text = new StringBuilder("{");
        foreach (var field in fields)
        {
            if (field.Offset + field.Size > bytes.Length) break;
            if (field.Name == "sa_restorer" && (StructFields.Word(bytes.Slice(8, 8)) & SaRestorer) == 0) break;
            if (text.Length > 1) text.Append(", ");
            text.Append(field.Name).Append('=').Append(field.Print(bytes.Slice(field.Offset, field.Size)));
        }
        if (StructFields.IsAbridged(structure)) text.Append(", ...");
        return text.Append('}').ToString();
    }

    /// <summary>The value of a socket option: a number, SO_LINGER, a time-out, or bytes.</summary>
    internal static string SocketOption(int level, int option, ReadOnlySpan<byte> bytes, CallFormatOptions options)
    {
        var name = level == 1 ? NameSet.Of("sockopt").NameOf(option) : null;
        return (name, bytes.Length) switch
        {
            (_, 4) => $"[{CallText.Decimal((int)StructFields.Word(bytes))}]",
            ("SO_LINGER", 8) =>
                $"{{l_onoff={(int)StructFields.Word(bytes[..4])}, l_linger={(int)StructFields.Word(bytes[4..])}}}",
            ("SO_RCVTIMEO" or "SO_SNDTIMEO", 16) => Fields("timeval", bytes)!,
            _ => CallText.Quote(bytes, options.StringLimit),
        };
    }

    /// <summary>A socket address of any family.</summary>
    internal static string SocketAddress(ReadOnlySpan<byte> bytes, CallFormatOptions options)
    {
        if (bytes.Length < 2) return CallText.Quote(bytes, options.StringLimit);
        var family = (int)StructFields.Word(bytes[..2]);
        var name = NameSet.Of("family").Format(family);
        return family switch
        {
            1 => $"{{sa_family={name}{UnixPath(bytes[2..], options)}}}",
            2 when bytes.Length >= 8 =>
                $"{{sa_family={name}, sin_port=htons({Port(bytes)}), sin_addr=inet_addr(\"{new IPAddress(bytes.Slice(4, 4))}\")}}",
            10 when bytes.Length >= 28 =>
                $"{{sa_family={name}, sin6_port=htons({Port(bytes)}), " +
                $"sin6_flowinfo=htonl({NetworkOrder(bytes.Slice(4, 4))}), " +
                $"inet_pton(AF_INET6, \"{Inet6(bytes.Slice(8, 16))}\", &sin6_addr), " +
                $"sin6_scope_id={StructFields.Word(bytes.Slice(24, 4))}}}",
            16 when bytes.Length >= 12 =>
                $"{{sa_family={name}, nl_pid={(int)StructFields.Word(bytes.Slice(4, 4))}, " +
                $"nl_groups={StructFields.Word(bytes.Slice(8, 4)):x8}}}",
            _ => $"{{sa_family={name}, sa_data={CallText.Quote(bytes[2..], options.StringLimit)}}}",
        };
    }

    private static string One(StructRow structure, ReadOnlySpan<byte> bytes, CallFormatOptions options) => structure.Name switch
    {
        "int" or "uint" or "long" or "ulong" or "ptr" or "sched_param" => $"[{Element(structure, bytes, options)}]",
        _ => Element(structure, bytes, options),
    };

    private static string Element(StructRow structure, ReadOnlySpan<byte> bytes, CallFormatOptions options) => structure.Name switch
    {
        "int" or "sched_param" => CallText.Decimal((int)StructFields.Word(bytes)),
        "long" => CallText.Decimal((long)StructFields.Word(bytes)),
        "uint" or "ulong" => CallText.Unsigned(StructFields.Word(bytes)),
        "ptr" => CallText.Pointer(StructFields.Word(bytes)),
        _ => Fields(structure.Name, bytes) ?? CallText.Quote(bytes, options.StringLimit),
    };

    private static int Entries(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        // d_reclen at offset 16 in both layouts.
        while (bytes.Length >= 18 && (int)StructFields.Word(bytes.Slice(16, 2)) is >= 18 and var length && length <= bytes.Length)
        {
            count++;
            bytes = bytes[length..];
        }
        return count;
    }

    private static string UnixPath(ReadOnlySpan<byte> path, CallFormatOptions options)
    {
        if (path.IsEmpty) return "";
        if (path[0] == 0) return $", sun_path=@{CallText.Quote(path[1..], options.StringLimit)}";
        var end = path.IndexOf((byte)0);
        return $", sun_path={CallText.Quote(end < 0 ? path : path[..end], int.MaxValue)}";
    }

    private static uint NetworkOrder(ReadOnlySpan<byte> bytes) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);

    private static string Port(ReadOnlySpan<byte> bytes) =>
        (bytes[2] << 8 | bytes[3]).ToString(CultureInfo.InvariantCulture);

    private static string Inet6(ReadOnlySpan<byte> bytes) => new IPAddress(bytes).ToString();
}
