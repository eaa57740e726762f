using System.Buffers.Binary;
using System.Text.RegularExpressions;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Calls.Tests;

public sealed partial class StraceTests
{
    private const int EventHeader = 8 + 6 * 8 + 8 + 4 + 4;

    [Fact]
    public void Events_print_as_strace_prints_the_same_calls()
    {
        if (!File.Exists("/usr/bin/strace")) Assert.Skip("needs strace");
        var program = Repository.Native("events");
        var folder = Directory.CreateTempSubdirectory("mvedsua-calls-");
        try
        {
            var (trace, events) = (Path.Combine(folder.FullName, "trace"), Path.Combine(folder.FullName, "events"));
            Repository.Run("/bin/sh", "-c", "strace -s 32 -o \"$1\" \"$2\" \"$3\" > \"$4\"", "sh", trace, program,
                Path.Combine(folder.FullName, "file"), events);
            var expected = Between(File.ReadAllLines(trace)).Select(Normalise).ToList();
            var actual = Print(File.ReadAllBytes(events));
            Assert.True(actual.Count > 80, "the program recorded too little");
            Assert.Equal(expected, actual);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<string> Between(string[] lines) =>
        lines.SkipWhile(line => !line.Contains("MARK")).Skip(1).TakeWhile(line => !line.Contains("MARK"));

    // strace aligns results, and prints epoll's user data twice.
    private static string Normalise(string line) =>
        EpollDataPattern().Replace(AlignmentPattern().Replace(line, ") = "), match => $"data=0x{ulong.Parse(match.Groups[1].Value):x}");

    private static List<string> Print(byte[] bytes)
    {
        var lines = new List<string>();
        for (ReadOnlySpan<byte> rest = bytes; rest.Length >= EventHeader;)
        {
            var arguments = new ulong[6];
            for (var i = 0; i < 6; i++) arguments[i] = BinaryPrimitives.ReadUInt64LittleEndian(rest[(8 + 8 * i)..]);
            var (inSize, outSize) = (BinaryPrimitives.ReadInt32LittleEndian(rest[64..]), BinaryPrimitives.ReadInt32LittleEndian(rest[68..]));
            lines.Add(CallFormatter.Format(new CallEvent
            {
                Number = BinaryPrimitives.ReadInt64LittleEndian(rest),
                Arguments = arguments,
                Result = BinaryPrimitives.ReadInt64LittleEndian(rest[56..]),
                InPayload = rest.Slice(EventHeader, inSize),
                OutPayload = rest.Slice(EventHeader + inSize, outSize),
            }));
            rest = rest[(EventHeader + inSize + outSize)..];
        }
        return lines;
    }

    [GeneratedRegex(@"data=\{u32=\d+, u64=(\d+)\}")]
    private static partial Regex EpollDataPattern();

    [GeneratedRegex(@"\)\s+= ")]
    private static partial Regex AlignmentPattern();
}
