using System.Text;
using CsCheck;
using Mvedsua.Abi.Calls;
using Mvedsua.Tests;

namespace Mvedsua.Calls.Tests;

/// <summary>Events of a damaged log are printed, whatever stands in them; a damaged table is refused by the line.</summary>
public sealed class FuzzTests
{
    private static readonly Gen<byte[]> Payload = Gen.Select(Gen.Int[0, 5], Gen.Enum<SegmentRole>(), Gen.Int[0, 2],
        Gen.OneOf(Gen.Byte.Array[0, 40], Gen.Int[0, 300].Select(length => new byte[length]))).List[0, 6].Select(segments =>
    {
        var builder = new PayloadBuilder();
        foreach (var (argument, role, message, bytes) in segments) builder.Add(argument, bytes, role, message);
        return builder.Bytes;
    });

    [Fact]
    public void Any_payload_and_any_arguments_of_any_call_are_printed()
    {
        var payload = Gen.OneOf(Payload, Fuzzing.Damaged(Payload));
        var number = Gen.OneOf(Gen.Long[0, 480], Gen.Long);
        var options = Fuzzing.OneOf(CallFormatOptions.Default, CallFormatOptions.Full);
        var argument = Gen.OneOf(Gen.ULong[0, 64], Fuzzing.AwkwardNumber);
        Gen.Select(number, argument.Array[6], Fuzzing.AwkwardNumber, payload, payload, options).Sample(
            (call, arguments, result, before, after, how) =>
            {
                var e = new CallEvent { Number = call, Arguments = arguments, Result = (long)result, InPayload = before, OutPayload = after };
                Assert.EndsWith(CallFormatter.Result(e, how), CallFormatter.Format(e, how), StringComparison.Ordinal);
            }, time: Fuzzing.Seconds, threads: 1);
    }

    [Theory]
    [InlineData("calls.tbl")]
    [InlineData("ioctls.tbl")]
    [InlineData("prctls.tbl")]
    public void A_damaged_table_is_read_or_refused_with_its_line(string name)
    {
        // Some lines of the real one: a whole table is damaged so rarely in one line that little would be tried.
        var folder = Path.Combine(Repository.Root, "native/shim/calls/table");
        string[] lines = [.. File.ReadAllLines(Path.Combine(folder, name)).Where(line => line.Length > 0 && line[0] != '#')];
        var excerpt = Gen.Select(Fuzzing.OneOf(lines).List[1, 6], picked => Encoding.UTF8.GetBytes(string.Join('\n', picked)));
        var refused = 0;
        Fuzzing.Damaged(excerpt).Sample(bytes =>
        {
            try
            {
                var parser = new CallTableParser();
                if (name == "calls.tbl") _ = parser.ParseCalls(Encoding.UTF8.GetString(bytes));
                else _ = parser.ParseCommands(Encoding.UTF8.GetString(bytes));
            }
            catch (FormatException e)
            {
                Assert.Contains("call table, ", e.Message, StringComparison.Ordinal);
                refused++;
            }
        }, time: Fuzzing.Seconds, threads: 1);
        Assert.True(refused > 0, "nothing was refused: is anything checked?");
    }
}
