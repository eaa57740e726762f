using System.Diagnostics;
using System.Globalization;

namespace Mvedsua.Abi.Tests;

/// <summary>The other process: tests/native/log/peer.c. Killed (its own id only) when disposed.</summary>
internal sealed class Peer : IDisposable
{
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;

    private Peer(params object[] arguments)
    {
        var words = arguments.Select(a => Convert.ToString(a, CultureInfo.InvariantCulture)!);
        _process = Process.Start(new ProcessStartInfo(Repository.Program("log-peer"), words)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    /// <summary>Where a log stands, and what its records look like.</summary>
    internal sealed record Place(SessionMemory Memory, int Version, int Slot, ulong Generation, ulong Seed, uint Largest)
    {
        internal object[] Arguments => [ByteTests.PathOf(Memory), Version, Slot, Generation, Seed, Largest];
    }

    /// <summary>A producer that has started its log and waits for <see cref="Go"/>.</summary>
    internal static async Task<Peer> Produce(Place at, ulong count, ulong budget, int readers, bool keeper, bool drop)
    {
        var peer = new Peer(["produce", .. at.Arguments, count, budget, readers, keeper ? "keeper" : "alone", drop ? "drop" : "wait"]);
        Assert.Equal("started", await peer.Line());
        return peer;
    }

    /// <summary>A reader that is reading.</summary>
    internal static async Task<Peer> Consume(Place at, int index, int napMicroseconds, int every)
    {
        var peer = new Peer(["consume", .. at.Arguments, index, napMicroseconds, every]);
        Assert.Equal("reading", await peer.Line());
        return peer;
    }

    internal int Id => _process.Id;

    internal void Go() => _process.StandardInput.WriteLine();

    internal void EndInput() => _process.StandardInput.Close();

    internal async Task<string?> Line() => await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);

    internal void Kill()
    {
        _process.Kill();
        Assert.True(_process.WaitForExit(Patience));
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
