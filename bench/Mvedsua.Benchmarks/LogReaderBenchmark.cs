using BenchmarkDotNet.Attributes;
using Mvedsua.Abi;
using Mvedsua.Abi.Tests;

namespace Mvedsua.Benchmarks;

/// <summary>The C# reader of an event log, per event: what `mvedsua trace` can keep up with. A log of
/// <see cref="Events"/> events is read from its beginning; mapping it anew is part of each run.</summary>
public class LogReaderBenchmark
{
    private const int Events = 20_000;
    private const ulong Generation = 1;

    private SessionMemory _memory = null!;
    private HandMadeLog _log = null!;

    /// <summary>Bytes of in-payload of every event.</summary>
    [Params(0, 64, 1024)]
    public int Payload { get; set; }

    [GlobalSetup]
    public void Write()
    {
        _memory = SessionMemory.Create("benchmark");
        _log = new HandMadeLog(_memory, 0, 0, Generation);
        var payload = new byte[Payload];
        for (var i = 0; i < Events; i++) _log.Append(new MvEvent { Call = 1, Result = Payload }, payload, []);
    }

    [GlobalCleanup]
    public void Close()
    {
        _log.Dispose();
        _memory.Dispose();
    }

    /// <summary>Peek, check of the header, consume.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public ulong Headers() => Read(withPayload: false);

    /// <summary>The same, and every byte of the payload is looked at.</summary>
    [Benchmark(OperationsPerInvoke = Events)]
    public ulong HeadersAndPayload() => Read(withPayload: true);

    private ulong Read(bool withPayload)
    {
        _log.Expect(0);
        using var reader = LogReader.Open(_memory, 0, 0, Generation, 0);
        ulong sum = 0;
        var count = 0;
        while (reader.TryPeek(out var view))
        {
            sum += (ulong)view.Result;
            if (withPayload && view.InPayload.Contains((byte)1)) sum++;
            reader.Consume();
            count++;
        }

        return count == Events ? sum : throw new InvalidOperationException($"{count} events were read");
    }
}
