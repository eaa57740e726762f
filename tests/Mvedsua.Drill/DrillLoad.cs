using System.Diagnostics;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill;

/// <summary>An answer that was not the right one, a connection that was closed, a session that did not become whole again.</summary>
internal sealed class DrillFailure(string what) : Exception(what);

/// <summary>Connections, each with a thread of its own, that know every answer. The first that is wrong ends the drill.</summary>
internal abstract class DrillLoad : IDisposable
{
    /// <summary>So long nobody should wait.</summary>
    internal static readonly TimeSpan Long = TimeSpan.FromMilliseconds(400); /* no failover takes so long */

    private readonly List<Thread> _threads = [];
    private readonly List<string> _wrong = [];
    private long _answers, _slowestTicks;
    private int _closedByName;
    private volatile bool _stopping;

    /// <summary>Answers so far; all of them right.</summary>
    internal long Answers => Interlocked.Read(ref _answers);

    /// <summary>The longest that anybody waited for an answer.</summary>
    internal TimeSpan Slowest => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _slowestTicks));

    /// <summary>Connections that were closed while that was allowed.</summary>
    internal int ClosedByName => _closedByName;

    /// <summary>Two deaths at once may cost a connection, by name; after one alone none may be closed.</summary>
    internal volatile bool MayClose;

    /// <summary>A child may be told to have failed.</summary>
    internal volatile bool ChildrenMayFail;

    /// <summary>The server is being ended for good: whatever is closed now is no failure.</summary>
    internal volatile bool Ending;

    /// <summary>Is told who waited for how long, and for what.</summary>
    internal Action<string>? WaitedLong { get; set; }

    protected bool Stopping => _stopping;

    /// <summary>How long a client thinks between an answer and its next request; zero: it saturates the server. A follower of a server with threads falls
    /// behind a saturated one for good.</summary>
    internal TimeSpan ThinkTime { get; set; }

    protected void StartThread(string name, Action run)
    {
        var thread = new Thread(() =>
        {
            try { run(); }
            catch (Exception e) when (Ending && e is not DrillFailure) { /* it was meant */ }
            catch (Exception e)
            {
                lock (_wrong) _wrong.Add($"{DateTime.Now:HH:mm:ss.fff} {name}: {(e is DrillFailure ? "" : e.GetType().Name + ": ")}{e.Message}");
            }
        }) { IsBackground = true, Name = name };
        _threads.Add(thread);
        thread.Start();
    }

    /// <param name="beganAt">When it was asked.</param>
    /// <param name="asked">What was asked, for a reader.</param>
    protected void Answered(long beganAt, string? asked = null)
    {
        if (Stopwatch.GetElapsedTime(beganAt) is var waited && waited > Long)
            WaitedLong?.Invoke($"{Thread.CurrentThread.Name} has waited {waited.TotalMilliseconds:0} ms for the answer{(asked is null ? "" : $" to {asked}")}");
        long took = Stopwatch.GetTimestamp() - beganAt;
        for (long seen = Interlocked.Read(ref _slowestTicks); took > seen;)
        {
            long before = Interlocked.CompareExchange(ref _slowestTicks, took, seen);
            if (before == seen) break;
            seen = before;
        }
        Interlocked.Increment(ref _answers);
    }

    protected void WasClosedByName() => Interlocked.Increment(ref _closedByName);

    /// <summary>What was wrong; null: nothing.</summary>
    internal string? Wrong
    {
        get { lock (_wrong) return _wrong.Count == 0 ? null : string.Join('\n', _wrong); }
    }

    internal void Check()
    {
        if (Wrong is { } wrong) throw new DrillFailure(wrong);
    }

    /// <summary>Waits for so many more answers.</summary>
    internal void More(long answers)
    {
        long goal = Answers + answers;
        try { Host.Until(() => Answers >= goal || Wrong is not null, $"{answers} more answers", 60); }
        finally { Check(); }
    }

    /// <summary>Lets every connection end what it has begun.</summary>
    internal void Finish()
    {
        _stopping = true;
        foreach (Thread thread in _threads)
            if (!thread.Join(60_000)) throw new DrillFailure($"{thread.Name} got no answer for a minute; {Wrong}");
        if (!Ending) Check();
    }

    public void Dispose()
    {
        Ending = true;
        _stopping = true;
    }
}
