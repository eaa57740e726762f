using CsCheck;
using Mvedsua.Tests;

namespace Mvedsua.Abi.Tests;

/// <summary>The reader on a log that somebody has written into, with and without checks that agree: a refusal by name, or
/// events that lie inside of the log. (native: tests/native/fuzz/fuzz_log.c)</summary>
public sealed unsafe class LogFuzzTests
{
    private const int Records = 40, Slot = 2;
    private const ulong Generation = 9;

    private enum Damage { Header, SealedHeader, Position, Cursor, Record, Size, InSize, Jump, Sequence }

    [Fact]
    public void A_damaged_log_is_refused_by_name_or_read_within_its_bounds()
    {
        using var memory = SessionMemory.Create("fuzz-test");
        using var log = new HandMadeLog(memory, 0, Slot, Generation);
        var offsets = new ulong[Records];
        for (var i = 0; i < Records; i++)
            offsets[i] = log.Append(new MvEvent { Call = 1 }, new byte[i % 9 == 8 ? 100_000 : 8 * i], new byte[64]);
        var end = log.Header->High;
        var front = new Span<byte>(log.Base, (int)(MvAbi.SleepersOffset + MvAbi.Page)).ToArray();
        log.Expect(0);

        var change = Gen.Select(Gen.Enum<Damage>(), Gen.Int[0, Records - 1], Gen.Int[0, 11],
            Gen.OneOf(Fuzzing.AwkwardNumber, Fuzzing.OneOf([.. offsets]), Fuzzing.OneOf(end, MvAbi.LogData, MvAbi.LogSpan)), Gen.Bool);
        var events = 0L;
        change.List[1, 6].Sample(changes =>
        {
            var saved = new Dictionary<ulong, MvEvent>();
            foreach (var (kind, record, word, number, reseal) in changes) Apply(log, kind, offsets[record], word, number, reseal, saved);
            try
            {
                using var reader = LogReader.Open(memory, 0, Slot, Generation, 0);
                for (var count = 0; count < 4 * Records && reader.TryPeek(out var view); count++)
                {
                    Assert.Equal(sizeof(MvEvent) + view.InPayload.Length + view.OutPayload.Length, view.Size);
                    Assert.Equal(view.Size, view.Bytes.Length);
                    _ = view.Bytes[^1];
                    reader.Consume();
                    events++;
                }
            }
            catch (LogCorruptException e)
            {
                Assert.NotEmpty(e.Message);
            }
            finally
            {
                foreach (var (at, whole) in saved) *log.At(at) = whole;
                front.CopyTo(new Span<byte>(log.Base, front.Length));
                log.Expect(0);
            }
        }, time: Fuzzing.Seconds, threads: 1);
        Assert.True(events > Records, "hardly anything was read: is the log damaged before the test begins?");
    }

    private static void Apply(HandMadeLog log, Damage kind, ulong at, int word, ulong number, bool reseal, Dictionary<ulong, MvEvent> saved)
    {
        var header = (ulong*)log.Base;
        var e = log.At(at);
        if (kind >= Damage.Record) saved.TryAdd(at, *e);
        switch (kind)
        {
            case Damage.Header:
                header[word % 8] = number;
                return;
            case Damage.SealedHeader: // generation, limit, start
                header[3 + word % 3] = number;
                log.Header->Check = LogChecks.OfHeader(in *log.Header);
                return;
            case Damage.Position: // published, sequence, bytes, high
                header[8 + word % 4] = number;
                return;
            case Damage.Cursor:
                ((ulong*)log.Cursor(0))[word % 4] = number;
                return;
            case Damage.Record:
                ((ulong*)e)[word] = number;
                break;
            case Damage.Size:
                e->Size = (uint)number;
                break;
            case Damage.InSize:
                e->InSize = (uint)number;
                e->OutSize = e->Size - (uint)sizeof(MvEvent) - e->InSize;
                break;
            case Damage.Jump:
                (e->Call, e->Size, e->InSize, e->OutSize) = ((ushort)MvPseudoCall.Jump, (uint)sizeof(MvEvent), 0, 0);
                e->Args[0] = number;
                break;
            default:
                e->Sequence = number;
                break;
        }

        if (reseal) log.Reseal(at);
    }
}
