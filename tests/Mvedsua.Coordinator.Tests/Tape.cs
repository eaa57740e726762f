using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A trace that is being taken.</summary>
internal sealed class Tape : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new(LiveSession.Patience * 2);
    private readonly IAsyncEnumerator<TraceEvent> _events;
    private readonly List<TraceEvent> _seen = [];

    private Tape(string session) => _events = LiveSession.Client.TraceAsync(session, _stop.Token).GetAsyncEnumerator(_stop.Token);

    /// <summary>What has been read so far.</summary>
    internal IReadOnlyList<TraceEvent> Seen => _seen;

    /// <summary>Begins a trace; the leader has been asked for it when this returns its first event.</summary>
    internal static async Task<Tape> Of(string session)
    {
        var tape = new Tape(session);
        await tape.Next();
        return tape;
    }

    /// <summary>Begins one that may not come to an event for now.</summary>
    internal static Tape Asked(string session) => new(session);

    internal async Task<TraceEvent> Next()
    {
        Assert.True(await _events.MoveNextAsync(), "the trace ended");
        _seen.Add(_events.Current);
        return _events.Current;
    }

    /// <summary>The next event of that call that has this text among its arguments.</summary>
    internal async Task<TraceEvent> Until(string call, string text)
    {
        while (true)
        {
            TraceEvent e = await Next();
            if (e.Call == call && e.Arguments.Any(a => a.Contains(text, StringComparison.Ordinal))) return e;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _events.DisposeAsync();
        }
        catch (OperationCanceledException)
        {
        }
        _stop.Dispose();
    }
}
