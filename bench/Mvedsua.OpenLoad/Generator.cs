using System.Diagnostics;
using System.Net.Sockets;

namespace Mvedsua.OpenLoad;

/// <summary>Sends requests at the moments of a <see cref="Schedule"/>, whether or not earlier ones were answered, and times the answers.</summary>
/// <remarks>One thread does all: with two processors, one of them the server's, a second thread would only take turns with the first.
/// Between two answers it looks whether a request is due, so a request waits for one read at most.</remarks>
internal sealed class Generator : IDisposable
{
    /// <summary>In ns. What is due so soon is waited for without sleeping: to wake up takes as long.</summary>
    private const long Spin = 10_000;

    /// <summary>In ns. How often it is looked for what takes too long; what is given at the end to send what is late.</summary>
    private const long LookInterval = 100_000_000, Grace = 100_000_000;

    /// <summary>A generator that is behind reads answers after so many requests.</summary>
    private const int MostAtOnce = 16;

    private readonly LoadOptions _options;
    private readonly Events _events = new();
    private readonly List<Connection> _connections = [];
    private readonly List<string> _faults = [];
    private readonly long _timeout;
    private Schedule _schedule;
    private Recorder _recorder;
    private int _turn, _open, _wrong;

    private Generator(LoadOptions options)
    {
        _options = options;
        _timeout = (long)(options.Timeout * 1e9);
        _recorder = new Recorder(long.MaxValue);
        _schedule = new Schedule(0, 0, 1, null);
        try
        {
            for (var i = 0; i < options.Connections; i++) Open(i);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The whole load. Throws <see cref="LoadException"/> when it can't begin.</summary>
    internal static Outcome Run(LoadOptions options)
    {
        using var generator = new Generator(options);
        generator.Greet();
        return generator.Load();
    }

    public void Dispose()
    {
        _connections.ForEach(c => c.Dispose());
        _events.Dispose();
    }

    private void Open(int number)
    {
        try
        {
            var connection = new Connection(_options, number);
            _connections.Add(connection);
            _events.Add(connection.Descriptor, number);
            _open++;
        }
        catch (SocketException e)
        {
            throw new LoadException(ExitStatus.Unreachable, $"connection {number + 1} of {_options.Connections} to 127.0.0.1:{_options.Port} can't be opened: {e.Message}. Is the server running, on that port?");
        }
    }

    private void Greet()
    {
        var until = Stopwatch.GetTimestamp() + _timeout;
        foreach (var connection in _connections)
        {
            for (var i = 0; i < connection.Greetings; i++) connection.TryAdd(0, Stopwatch.GetTimestamp());
            connection.Flush();
        }

        while (_connections.Any(c => c.Waiting > 0))
        {
            Receive(_events.Wait(until));
            if (_faults.Count > 0) throw new LoadException(ExitStatus.Failed, $"{_faults[0]}. Does the server on port {_options.Port} speak {_options.Protocol}?");
            if (Stopwatch.GetTimestamp() > until) throw new LoadException(ExitStatus.Failed, $"the server on port {_options.Port} did not answer within {_options.Timeout} s. Does it speak {_options.Protocol}?");
        }
    }

    private Outcome Load()
    {
        GC.Collect(); // once, before: nothing is allocated from here on
        var begin = Stopwatch.GetTimestamp();
        var measured = begin + (long)(_options.WarmUp * 1e9);
        var end = measured + (long)(_options.Seconds * 1e9);
        _schedule = new Schedule(begin, _options.WarmUp + _options.Seconds, _options.Rate, _options.PoissonSeed);
        _recorder = new Recorder(measured);
        TimeSpan? processor = null;
        var look = begin;
        while (!_schedule.IsOver || IsAnythingWaiting())
        {
            var now = Stopwatch.GetTimestamp();
            SendDue(now);
            if (processor is null && now >= measured)
            {
                processor = Environment.CpuUsage.TotalTime;
                // A rate that was too high for the warm-up is to be told by what follows, not to leave no time for it.
                while (_schedule.Due < measured) _schedule.Advance();
            }

            if (now >= look)
            {
                CloseSilent(now);
                if (_open == 0 || now > end + Grace) LeaveRest(now);
                look = now + LookInterval;
            }

            Receive(_events.Wait(NextWake(now, look)));
        }

        var used = Environment.CpuUsage.TotalTime - (processor ?? TimeSpan.Zero);
        return Outcome.Create(_options, _recorder, measured, used.TotalSeconds, _wrong, _faults);
    }

    /// <summary>0: there is no time to sleep.</summary>
    private long NextWake(long now, long look)
    {
        if (_schedule.IsOver) return look;
        var due = _schedule.Due - Spin;
        return due <= now ? 0 : Math.Min(due, look);
    }

    private void SendDue(long now)
    {
        for (var i = 0; i < MostAtOnce && !_schedule.IsOver && _schedule.Due is var due && due <= now; i++, now = Stopwatch.GetTimestamp())
        {
            var connection = _connections[_turn];
            _turn = (_turn + 1) % _connections.Count;
            // It is waited for room already: the request goes behind the others.
            var blocked = connection.HasUnsent;
            var taken = connection.TryAdd(due, now);
            _recorder.Send(due, now, taken);
            _schedule.Advance();
            if (!taken || blocked) continue;
            connection.Flush();
            if (connection.HasUnsent) _events.WatchRoom(connection.Descriptor, connection.Number, watch: true);
            // What the server said before it closed the connection is still to be read: Receive finds the fault, too.
        }
    }

    private void Receive(int events)
    {
        for (var i = 0; i < events; i++)
        {
            var (number, room) = _events.Take(i);
            if (number < 0 || _connections[number] is var connection && connection.IsClosed) continue;
            if (room)
            {
                connection.Flush();
                if (!connection.HasUnsent) _events.WatchRoom(connection.Descriptor, number, watch: false);
            }

            var now = connection.Receive(_recorder);
            if (connection.Fault is { } fault) Close(connection, fault, now);
            SendDue(now);
        }
    }

    private void CloseSilent(long now)
    {
        foreach (var connection in _connections)
        {
            if (!connection.IsClosed && connection.Waiting > 0 && now - connection.OldestSent > _timeout) Close(connection, $"had no answer for {_options.Timeout} s", now);
        }
    }

    private void Close(Connection connection, string fault, long now)
    {
        connection.Close(fault, _recorder, now);
        _faults.Add(connection.Fault!);
        if (connection.IsWrong) _wrong++;
        _open--;
    }

    /// <summary>Nobody is left to be asked, or the time is over.</summary>
    private void LeaveRest(long now)
    {
        for (; !_schedule.IsOver; _schedule.Advance())
        {
            if (_open == 0) _recorder.Send(_schedule.Due, _schedule.Due, taken: false);
            else _recorder.Skip(_schedule.Due, now);
        }
    }

    private bool IsAnythingWaiting()
    {
        foreach (var connection in _connections)
        {
            if (connection.Waiting > 0) return true;
        }

        return false;
    }
}
