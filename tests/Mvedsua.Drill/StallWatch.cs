namespace Mvedsua.Drill;

/// <summary>Notes what everybody does while no client is answered for long, on which connection no byte moves for as long, and each answer that took long:
/// a stall that is over leaves nothing to look at. Where the processes compute or wait to be scheduled, the machine is what is slow; where bytes are not read,
/// the server or its client is; where they are not acknowledged, TCP.</summary>
internal sealed class StallWatch : IDisposable
{
    private readonly DrillSession _session;
    private readonly DrillLoad _load;
    private readonly Action<string> _tell;
    private readonly int _port;
    private readonly Timer _timer;
    private readonly Dictionary<string, (string Queues, DateTime Since, bool Told)> _still = [];
    private readonly long _tcpTimeouts = ProcessFacts.TcpTimeouts(); /* where the kernel drops a segment, a connection waits for 0.2 s, then for twice as long each time */
    private long _answers;
    private DateTime _since = DateTime.UtcNow;

    internal StallWatch(DrillSession session, DrillLoad load, int port, Action<string> tell)
    {
        (_session, _load, _port, _tell) = (session, load, port, tell);
        load.WaitedLong = line =>
        {
            Noted = true;
            tell($"{line}; load average {LoadAverage}, {ProcessFacts.TcpTimeouts() - _tcpTimeouts} TCP retransmission time-outs in this session");
        };
        _timer = new Timer(_ => LookAlone(), null, 100, 100);
    }

    /// <summary>There was one.</summary>
    internal bool Noted { get; private set; }

    public void Dispose()
    {
        _load.WaitedLong = null;
        using var done = new ManualResetEvent(false);
        if (_timer.Dispose(done)) done.WaitOne();
    }

    private static string LoadAverage => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    /// <summary>A look may take longer than the time to the next one.</summary>
    private void LookAlone()
    {
        if (!Monitor.TryEnter(_still)) return;
        try { Look(); }
        finally { Monitor.Exit(_still); }
    }

    private void Look()
    {
        LookAtQueues();
        long answers = _load.Answers;
        if (answers != _answers) (_answers, _since) = (answers, DateTime.UtcNow);
        if (DateTime.UtcNow - _since < DrillLoad.Long) return;
        _since = DateTime.UtcNow;
        Noted = true;
        _tell($"no answer for {DrillLoad.Long.TotalMilliseconds:0} ms; load average {LoadAverage}; {_session.Describe()}");
        foreach (int pid in ProcessFacts.WorkingIn(_session.Folder))
            foreach (string line in ProcessFacts.Doing(pid)) _tell($"  {pid} {line}");
    }

    private void LookAtQueues()
    {
        Dictionary<string, string> now = ProcessFacts.Queues(_port);
        foreach (string gone in _still.Keys.Where(connection => !now.ContainsKey(connection)).ToArray()) _still.Remove(gone);
        foreach ((string connection, string queues) in now)
        {
            if (!_still.TryGetValue(connection, out var before) || before.Queues != queues) _still[connection] = (queues, DateTime.UtcNow, false);
            else if (!before.Told && DateTime.UtcNow - before.Since >= DrillLoad.Long)
            {
                _still[connection] = before with { Told = true };
                _tell($"for {DrillLoad.Long.TotalMilliseconds:0} ms nothing has moved from {connection}: {queues}");
            }
        }
    }
}
