using HdrHistogram;

namespace Mvedsua.OpenLoad;

/// <summary>Counts and times of the requests that were due since the warm-up's end; earlier ones are left out.</summary>
/// <param name="begin">The warm-up's end, in ns.</param>
internal sealed class Recorder(long begin)
{
    /// <summary>A request that the generator itself sends later than this, in ns, is late.</summary>
    internal const long LateLimit = 1_000_000;

    private const long Longest = 60_000_000_000;
    private const int Digits = 3;

    private bool IsMeasured(long due) => due >= begin;

    /// <summary>In ns, from the moment at which the request was due; from when it was sent.</summary>
    internal LongHistogram Latency { get; } = new(1, Longest, Digits);
    internal LongHistogram Service { get; } = new(1, Longest, Digits);

    internal long Scheduled { get; private set; }
    internal long Sent { get; private set; }
    internal long Answered { get; private set; }
    internal long Unanswered { get; private set; }

    /// <summary>Not sent: the connection was closed, or the server had taken nothing from it for too long.</summary>
    internal long Untaken { get; private set; }

    /// <summary>Not sent: the generator had no time left.</summary>
    internal long Skipped { get; private set; }
    internal long Late { get; private set; }
    internal long LongestLate { get; private set; }
    internal long LastSent { get; private set; }
    internal long LastAnswer { get; private set; }

    /// <param name="taken">It is on its way.</param>
    internal void Send(long due, long now, bool taken)
    {
        if (!IsMeasured(due)) return;
        Scheduled++;
        LastSent = now;
        if (taken) Sent++;
        else Untaken++;
        NoteLateness(now - due);
    }

    internal void Skip(long due, long now)
    {
        if (!IsMeasured(due)) return;
        Scheduled++;
        Skipped++;
        NoteLateness(now - due);
    }

    internal void Answer(long due, long sent, long now)
    {
        if (!IsMeasured(due)) return;
        Answered++;
        LastAnswer = now;
        Record(due, sent, now);
    }

    /// <summary>The time for which it was waited stands in the histograms: to leave it out would make the server look faster.</summary>
    internal void GiveUp(long due, long sent, long now)
    {
        if (!IsMeasured(due)) return;
        Unanswered++;
        Record(due, sent, now);
    }

    private void Record(long due, long sent, long now)
    {
        Latency.RecordValue(Math.Clamp(now - due, 1, Longest));
        Service.RecordValue(Math.Clamp(now - sent, 1, Longest));
    }

    private void NoteLateness(long late)
    {
        if (late > LateLimit) Late++;
        LongestLate = Math.Max(LongestLate, late);
    }
}
