using System.Diagnostics;
using System.Globalization;

namespace Mvedsua.Abi.Tests;

/// <summary>A reader with nothing to read sleeps, and every reason to wake it up does so at once (far below the 1 s
/// after which it would look by itself).</summary>
public sealed class WaitingTests : IDisposable
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(600);

    private readonly SessionMemory _memory = SessionMemory.Create("waiting-test");

    public void Dispose() => _memory.Dispose();

    private Peer.Place Place => new(_memory, 0, 5, 1, 77, 64);

    /// <summary>A reader that waits on a thread of its own, past its naps and its first, short sleep.</summary>
    private sealed class Sleeper
    {
        private readonly TaskCompletionSource<LogWake> _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<int> _thread = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Sleeper(LogReader reader, CancellationToken cancellation)
        {
            new Thread(() =>
            {
                _thread.SetResult((int)NativeCalls.Syscall(186 /* gettid */, 0, 0, 0, 0, 0, 0));
                try
                {
                    _woken.SetResult(reader.Wait(cancellation));
                }
                catch (OperationCanceledException e)
                {
                    _woken.SetException(e);
                }
            }).Start();
        }

        internal Task<LogWake> Woken => _woken.Task;

        internal async Task<int> Asleep()
        {
            var thread = await _thread.Task;
            await Task.Delay(100);
            return thread;
        }
    }

    private static long SwitchesOf(int process, int thread)
    {
        var line = File.ReadLines($"/proc/{process}/task/{thread}/status").Single(l => l.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
        return long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task An_idle_reader_does_not_poll()
    {
        using var writer = await Peer.Produce(Place, 1, 4 << 20, 2, keeper: true, drop: false);
        using var reader = LogReader.Open(_memory, 0, 5, 1, 0);
        using var other = await Peer.Consume(Place, 1, 0, 1);
        using var stop = new CancellationTokenSource();
        var sleeper = new Sleeper(reader, stop.Token);
        var thread = await sleeper.Asleep();
        var before = (SwitchesOf(Environment.ProcessId, thread), SwitchesOf(other.Id, other.Id));
        await Task.Delay(2000);
        var after = (SwitchesOf(Environment.ProcessId, thread), SwitchesOf(other.Id, other.Id));
        Assert.InRange(after.Item1 - before.Item1, 0, 5);
        Assert.InRange(after.Item2 - before.Item2, 0, 5);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleeper.Woken);
    }

    [Fact]
    public async Task The_next_event_wakes_a_sleeping_reader()
    {
        using var writer = await Peer.Produce(Place, 1, 4 << 20, 1, keeper: false, drop: false);
        using var reader = LogReader.Open(_memory, 0, 5, 1, 0);
        var sleeper = new Sleeper(reader, CancellationToken.None);
        await sleeper.Asleep();
        var begin = Stopwatch.GetTimestamp();
        writer.Go();
        Assert.Equal(LogWake.Event, await sleeper.Woken);
        Assert.True(Stopwatch.GetElapsedTime(begin) < AtOnce);
    }

    [Fact]
    public async Task The_writers_death_wakes_a_sleeping_reader()
    {
        using var writer = await Peer.Produce(Place, 1, 4 << 20, 1, keeper: false, drop: false);
        using var reader = LogReader.Open(_memory, 0, 5, 1, 0);
        var sleeper = new Sleeper(reader, CancellationToken.None);
        await sleeper.Asleep();
        Assert.False(reader.IsOwnerDead);
        var begin = Stopwatch.GetTimestamp();
        writer.Kill();
        Assert.Equal(LogWake.OwnerDead, await sleeper.Woken);
        Assert.True(Stopwatch.GetElapsedTime(begin) < AtOnce);
        Assert.True(reader.IsOwnerDead);
    }

    [Fact]
    public async Task Cancellation_wakes_a_sleeping_reader()
    {
        using var writer = await Peer.Produce(Place, 1, 4 << 20, 1, keeper: false, drop: false);
        using var reader = LogReader.Open(_memory, 0, 5, 1, 0);
        using var stop = new CancellationTokenSource();
        var sleeper = new Sleeper(reader, stop.Token);
        await sleeper.Asleep();
        var begin = Stopwatch.GetTimestamp();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleeper.Woken);
        Assert.True(Stopwatch.GetElapsedTime(begin) < AtOnce);
    }

    [Fact]
    public async Task A_limit_ends_the_wait_in_time()
    {
        using var writer = await Peer.Produce(Place, 1, 4 << 20, 1, keeper: false, drop: false);
        using var reader = LogReader.Open(_memory, 0, 5, 1, 0);
        var begin = Stopwatch.GetTimestamp();
        Assert.Equal(LogWake.TimedOut, reader.Wait(TimeSpan.FromMilliseconds(150)));
        Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.FromMilliseconds(140), TimeSpan.FromMilliseconds(900));
    }

    [Fact]
    public async Task A_reader_that_joins_a_running_log_sees_what_comes_from_then_on()
    {
        using var writer = await Peer.Produce(Place, 0, 8 << 20, 0, keeper: true, drop: false);
        writer.Go();
        var next = 0ul;
        for (var joins = 0; joins < 300; joins++)
        {
            using var reader = LogReader.Open(_memory, 0, 5, 1, 2);
            for (var n = 0; n < 50; n++, next++)
            {
                Assert.Equal(LogWake.Event, reader.Wait(Peer.Patience));
                Assert.True(reader.TryPeek(out var e));
                Assert.True(n == 0 ? e.Sequence >= next : e.Sequence == next, $"join {joins}: {e.Sequence} after {next}");
                Assert.True(Plan.Matches(e, 77, e.Sequence, 64));
                next = e.Sequence;
                reader.Consume();
            }
        }
    }
}
