using System.Globalization;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Coordinator.Tracing;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update.Linking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Coordinator.Reports;

/// <summary>The report of a follower that is parked where it differs from its leader.</summary>
internal sealed unsafe class DivergenceSection
{
    private readonly string _session;
    private readonly SharedMemory _memory;
    private readonly ControlView _view;
    private readonly int _follower, _version, _slot, _thread, _leaderVersion;
    private readonly MvDifference _kind;
    private readonly uint _position;
    private readonly ulong _sequence, _logs;
    private readonly ushort _followerCall;
    private readonly ulong[] _followerArguments;
    private readonly byte[] _followerPayload;
    private readonly RecordedEvent? _leaderEvent;
    private readonly RulesFile? _rules;
    private readonly IReadOnlyList<ImageRange>[] _images;

    internal DivergenceSection(string session, SharedMemory memory, ControlView view, int follower, int version, in MvDivergence divergence, ulong logs,
        RulesFile? rules, IReadOnlyList<ImageRange>[] images)
    {
        (_session, _memory, _view, _follower, _version, _rules, _images) = (session, memory, view, follower, version, rules, images);
        _leaderVersion = view.LeaderVersion;
        _logs = logs;
        _kind = divergence.Kind;
        _slot = (int)Math.Min(divergence.Slot, MvAbi.MaxThreads - 1);
        _thread = Sides.LogicalThread(memory, _leaderVersion, _slot);
        _position = divergence.Position;
        _sequence = divergence.Sequence;
        _followerCall = (ushort)divergence.Call;
        fixed (ulong* args = divergence.Args) _followerArguments = new ReadOnlySpan<ulong>(args, 6).ToArray();
        fixed (byte* bytes = divergence.FollowerPayload)
            _followerPayload = new ReadOnlySpan<byte>(bytes, (int)Math.Min(divergence.FollowerSize, MvAbi.DivergenceBytes)).ToArray();
        fixed (byte* bytes = divergence.LeaderRecord)
            _leaderEvent = RecordedEvent.From(new ReadOnlySpan<byte>(bytes, (int)Math.Min(divergence.LeaderSize, MvAbi.DivergenceBytes)));
    }

    internal DivergenceReport Build(Action seen)
    {
        DateTimeOffset when = DateTimeOffset.Now;
        using ThreadSnapshot own = ThreadSnapshot.Take(_follower, _images[_version], _memory.Control.Block.Thread(_version, _slot));
        MvThreadInfo leaders = _memory.Control.Block.Thread(_leaderVersion, _slot);
        using ThreadSnapshot its = ThreadSnapshot.Take(_view.LeaderPid, _images[_leaderVersion], leaders);
        ulong published = Tail()?.Published ?? 0;
        (IReadOnlyCollection<RecordedEvent> before, IReadOnlyCollection<RecordedEvent> ahead) = Around();
        seen();
        TraceEvent? leader = _leaderEvent is null ? null : Sides.Decode(_leaderVersion, _thread, _leaderEvent);
        TraceEvent follower = EventDecoder.Decode(_version, _thread, _sequence, _followerCall, _followerArguments, null,
            _followerPayload, [], ReportOptions.Format);
        PayloadDifference? bytes = _kind is MvDifference.Bytes or MvDifference.Length && _leaderEvent is not null
            ? PayloadDifference.Find(CallTable.ByNumber(_followerCall), _leaderEvent.InPayload, _followerPayload) : null;
        var evidence = new Evidence(_kind, before, _leaderEvent?.Call ?? 0, _followerCall, bytes, Sides.Threads(_memory, _leaderVersion), OtherVersion(_images[_version], _images[_leaderVersion]));
        return new DivergenceReport(_session, when, Reason, Summary(leader, follower, bytes), _thread,
            First(leader, follower, bytes),
            new DivergenceSide(Calls(before, _leaderVersion, leader), LeaderBacktrace(its, leaders.Site, published)),
            new DivergenceSide(Calls(before, _version, follower),
                own.Backtrace()),
            Causes.Guess(evidence), _rules is null ? null : RulesSection.Build(_rules, _slot + 1, Pending(ahead), FollowerRecord));
    }

    /// <summary>The leader's log, unless it has been begun anew for another follower.</summary>
    private LogTail? Tail() => LogTail.Open(_memory, _leaderVersion, _slot) is { } tail && tail.Generation == _logs ? tail : null;

    /// <summary>The leader's events directly before the point, and those from it on, as far as rules look. None when the log is begun anew meanwhile:
    /// the numbers would be those of other events.</summary>
    private (IReadOnlyCollection<RecordedEvent> Before, IReadOnlyCollection<RecordedEvent> Ahead) Around()
    {
        if (Tail() is not { } tail) return ([], []);
        IReadOnlyCollection<RecordedEvent> before = tail.Before(_sequence, ReportOptions.Before);
        ulong ahead = Math.Min(RulesSection.Ahead, tail.Published < _sequence ? 0 : tail.Published - _sequence);
        IReadOnlyCollection<RecordedEvent> events = ahead == 0 ? [] : tail.Before(_sequence + ahead, (int)ahead);
        return Tail() is null ? ([], []) : (before, events);
    }

    private CallRecord? FollowerRecord => CallRecord.From(
        new CallEvent { Number = _followerCall, Arguments = _followerArguments, InPayload = _followerPayload }, _slot + 1);

    /// <summary>The leader's events that the follower had not come to, as far as rules may look: a signal ends what they see.</summary>
    private List<CallRecord> Pending(IReadOnlyCollection<RecordedEvent> ahead)
    {
        IReadOnlyCollection<RecordedEvent> events = ahead.Count == 0 && _leaderEvent is not null ? [_leaderEvent] : ahead;
        return [.. events.Where(e => !e.IsAllocators).Select(e => e.AsRecord(_slot + 1)).TakeWhile(record => record is not null).OfType<CallRecord>()];
    }

    private string Reason => _kind switch
    {
        MvDifference.Call => "different-call",
        MvDifference.Argument => "different-argument",
        MvDifference.Bytes => "different-bytes",
        MvDifference.Length => "different-length",
        MvDifference.End => "leader-thread-ended",
        MvDifference.Order => "different-order",
        _ => "diverged",
    };

    private string ArgumentName => CallTable.ByNumber(_followerCall) is { } row && _position < row.Arguments.Count
        ? row.Arguments[(int)_position].Name : string.Create(CultureInfo.InvariantCulture, $"{_position + 1}");

    private string Summary(TraceEvent? leader, TraceEvent follower, PayloadDifference? bytes)
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"At event {_sequence} of thread {_thread}");
        string leaders = leader?.Call ?? "another call", followers = follower.Call;
        return _kind switch
        {
            MvDifference.Call => $"{where} the leader called {leaders}, the follower {followers}.",
            MvDifference.Argument => $"{where} leader and follower called {followers} with different values of '{ArgumentName}'.",
            MvDifference.Bytes => string.Create(CultureInfo.InvariantCulture,
                $"{where} leader and follower called {followers} with different bytes, the first at offset {bytes?.Offset ?? (int)_position}."),
            MvDifference.Length => string.Create(CultureInfo.InvariantCulture,
                $"{where} leader and follower called {followers} with different lengths; they agree up to offset {bytes?.Offset ?? (int)_position}."),
            MvDifference.End => $"{where} the leader's thread ended, the follower's called {followers}.",
            MvDifference.Order => $"{where} the follower took another lock, condition or thread creation than the leader.",
            _ => $"{where} the follower differed from the leader.",
        };
    }

    private FirstDifference First(TraceEvent? leader, TraceEvent follower, PayloadDifference? bytes)
    {
        string leaders = leader?.ToString() ?? "(its record can't be read)";
        switch (_kind)
        {
            case MvDifference.Argument:
                int index = (int)_position;
                return new FirstDifference($"argument {ArgumentName}", null, Argument(leader, index) ?? leaders,
                    Argument(follower, index) ?? follower.ToString());
            case MvDifference.Bytes or MvDifference.Length when bytes is not null:
                return new FirstDifference("outgoing bytes", bytes.Offset, PayloadDifference.Show(bytes.Leader, bytes.Offset),
                    PayloadDifference.Show(bytes.Follower, bytes.Offset));
            default:
                return new FirstDifference("call", null, leaders, follower.ToString());
        }
    }

    /// <summary>The file that the follower runs, when it runs another version than its leader; else null.</summary>
    /// <param name="its">What updates have loaded into it.</param>
    /// <param name="leaders">What updates have loaded into its leader.</param>
    internal static string? OtherVersion(IReadOnlyList<ImageRange> its, IReadOnlyList<ImageRange> leaders) =>
        Program(its) == Program(leaders) ? null : Program(its)?.Path ?? "the one that was started";

    /* Each update loads its image to a place of its own: two versions differ in that, though their files have the same path. */
    private static ImageRange? Program(IReadOnlyList<ImageRange> images) => images is [.., var last] ? last : null;

    private static string? Argument(TraceEvent? e, int index) => e is not null && index < e.Arguments.Count ? e.Arguments[index] : null;

    private List<TraceEvent> Calls(IEnumerable<RecordedEvent> before, int version, TraceEvent? last)
    {
        var calls = before.Select(e => Sides.Decode(version, _thread, e)).ToList();
        if (last is not null) calls.Add(last);
        return calls;
    }

    /// <summary>The leader runs on: where it stands now, and how far that is from the point.</summary>
    private List<string> LeaderBacktrace(ThreadSnapshot thread, ulong site, ulong published)
    {
        var lines = new List<string>(thread.Backtrace());
        if (published > _sequence + 1)
            lines.Insert(0, $"(taken at least {Sides.Count(published - _sequence - 1, "event")} after the point: the leader did not wait)");
        else if (site != _leaderEvent?.Site)
            lines.Insert(0, "(taken at a later call: the leader did not wait)");
        return lines;
    }
}
