namespace Mvedsua.Drill;

/// <summary>Notes what everybody does while no client is answered for long, and each answer that took long: a stall that is over leaves
/// nothing to look at. Where the processes compute or wait to be scheduled, the machine is what is slow.</summary>
internal sealed class StallWatch : IDisposable
{
    private readonly DrillSession _session;
    private readonly DrillLoad _load;
    private readonly Action<string> _tell;
    private readonly Timer _timer;
    private readonly long _tcpTimeouts = ProcessFacts.TcpTimeouts(); /* where the kernel drops a segment, a connection waits for 0.2 s, then for twice as long each time */
    private long _answers;
    private DateTime _since = DateTime.UtcNow;

    internal StallWatch(DrillSession session, DrillLoad load, Action<string> tell)
    {
        (_session, _load, _tell) = (session, load, tell);
        load.WaitedLong = line =>
        {
            Noted = true;
            tell($"{line}; load average {LoadAverage}, {ProcessFacts.TcpTimeouts() - _tcpTimeouts} TCP retransmission time-outs in this session");
        };
        _timer = new Timer(_ => Look(), null, 100, 100);
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

    private void Look()
    {
        long answers = _load.Answers;
        if (answers != _answers) (_answers, _since) = (answers, DateTime.UtcNow);
        if (DateTime.UtcNow - _since < DrillLoad.Long) return;
        _since = DateTime.UtcNow;
        Noted = true;
        _tell($"no answer for {DrillLoad.Long.TotalMilliseconds:0} ms; load average {LoadAverage}; {_session.Describe()}");
        foreach (int pid in ProcessFacts.WorkingIn(_session.Folder))
            foreach (string line in ProcessFacts.Doing(pid)) _tell($"  {pid} {line}");
    }
}
