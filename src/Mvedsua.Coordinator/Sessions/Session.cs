using Mvedsua.Abi;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Reports;
using Mvedsua.Coordinator.Requests;
using Mvedsua.Coordinator.Tracing;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>One running session: takes its events from one queue, one by one, and does what the state machine says.
/// All state is touched by the thread in <see cref="Run"/> alone.</summary>
internal sealed partial class Session : IControlled, IDisposable
{
    private static readonly TimeSpan EndingTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReportingTime = TimeSpan.FromSeconds(30); /* a backtrace by debug information, on a busy machine */
    private static readonly TimeSpan BacklogTime = TimeSpan.FromSeconds(10); /* for what is left to replay of a leader that has exited */
    private const int HistoryLength = 48;
    private const long AtOnce = 5000; /* ms: two deaths that left no time for a new follower */
    private static readonly ControlReply SessionEnded = ControlReply.Refuse(ExitStatus.CoordinatorGone, "The session has ended.");

    private readonly BlockingCollection<SessionEvent> _events = [];
    private readonly ILogger _log;
    private readonly SharedMemory _memory;
    private readonly SessionState _state;
    private readonly MemberCheck _members;
    private readonly ReportStore _reports;
    private Task _reporting = Task.CompletedTask; /* all that are being made */
    private Task _looking = Task.CompletedTask; /* those that still need the follower */
    private readonly ProcessWatcher? _watcher;
    private readonly List<PastEvent> _history = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly bool _ownsServer;
    private readonly Orphans _orphans;
    private SessionFile _file;
    private readonly LinkedList<ShimRequest> _waiting = [];
    private ShimRequest? _pending;
    private readonly Dictionary<Follower, LagMonitor> _lagMonitors = [];
    private ulong _messagesSeen;
    private readonly List<(int Pid, WaitStatus Status, long At)> _failures = []; /* At: ms */
    private WaitStatus? _status;
    private bool _stop;

    /// <param name="file">What is known of the session.</param>
    /// <param name="memory">The session memory, mapped writable.</param>
    /// <param name="server">The process that leads or was just started.</param>
    /// <param name="ownsServer">True: the server's processes are our children.</param>
    /// <param name="log">Where stages and messages go.</param>
    internal Session(SessionFile file, SharedMemory memory, int server, bool ownsServer, ILogger log)
    {
        _file = file;
        _memory = memory;
        _log = log;
        _ownsServer = ownsServer;
        _state = new SessionState(server);
        _members = new MemberCheck(memory, file.Name);
        _members.Trust(server);
        _reports = new ReportStore(SessionDirectory.PathOf(file.Name));
        _watcher = ownsServer ? null : new ProcessWatcher(Post);
        _orphans = new Orphans(memory.Control.Block, log, _watcher);
        _versions = new VersionTable(file.Name, memory.Control.View().Members.Prepend(new Member { Pid = server }));
    }

    /// <summary>Who leads now. Any thread.</summary>
    internal int LeaderPid { get; private set; }

    private int _formerLeader;
    private readonly HeldSignals _signals = new();

    internal void Post(SessionEvent e) => TryPost(e);

    /// <summary>False: the session has ended.</summary>
    private bool TryPost(SessionEvent e)
    {
        try
        {
            _events.Add(e);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>After <see cref="Run"/>: the server was followed, and both were killed at once.</summary>
    internal bool NobodyLeft { get; private set; }

    /// <summary>Handles events until the session has ended or <see cref="Stop"/> was called; returns the last leader's
    /// status, null when it isn't known.</summary>
    internal WaitStatus? Run()
    {
        LeaderPid = _state.LeaderPid;
        _watcher?.Watch(LeaderPid);
        if (!_ownsServer)
        {
            _orphans.Adopt(LeaderPid); /* those of an earlier failover */
            FindLostPlan();
        }
        Save();
        new ChangeWatcher(_memory.Control, Post).Start();
        Post(new SessionEvent.ControlChanged());
        if (!_ownsServer && TracerSlot.EndAbandoned(_memory)) Post(new SessionEvent.Requested(new ShimRequest(MvRequest.Untrace)));
        while (!_stop && _state.Phase != Phase.Ended)
            Handle(_events.Take());
        _events.CompleteAdding();
        SessionEvent[] unheard = [.. _events];
        EndPlans(unheard);
        foreach (ShimRequest request in _waiting.Append(_pending).Concat(unheard.OfType<SessionEvent.Requested>().Select(e => e.Request)).OfType<ShimRequest>())
            request.Settle(SessionEnded);
        if (_state.Phase == Phase.Ended)
        {
            _looking.Wait(ReportingTime); /* a leader may exit right behind the point at which its follower is parked */
            EndRemaining();
            _reporting.Wait(ReportingTime);
            if (_ownsServer && LeftBehind.Except([.. _file.Processes.Select(p => p.Pid)]) is { Count: > 0 } left)
                SessionLog.LeftBehind(_log, string.Join(", ", left));
        }
        return _status;
    }

    /// <summary>Leaves the server alone from now on. Any thread.</summary>
    internal void Stop() => Post(new SessionEvent.Inspect(() => _stop = true));

    public void Dispose()
    {
        _ending.Cancel();
        foreach (LagMonitor monitor in _lagMonitors.Values) monitor.Dispose();
        StopWatchingForHangs();
        StopWatching();
    }

    private void Handle(SessionEvent e)
    {
        SayMessages();
        /* What the shim has written before anything else happened comes first, whichever event tells it. */
        if (e is not SessionEvent.ProcessEnded) Apply(_state.Observe(_members.View()));
        switch (e)
        {
            case SessionEvent.ProcessEnded ended:
                /* Whoever was waited for, or watched, was one of us, even if it was gone before we had looked. */
                _members.Trust(ended.Pid);
                if (ended.Pid == LeaderPid || ended.Pid == _formerLeader) _signals.Add(ended.Pending);
                Apply(_state.ProcessEnded(ended.Pid, ended.Status, ended.Usage, _members.View()));
                _members.Forget(ended.Pid);
                _watcher?.Forget(ended.Pid);
                _memory.Control.MarkGone(ended.Pid);
                break;
            case SessionEvent.NoChildLeft when _ownsServer:
                Apply(_state.NoChildLeft());
                break;
            case SessionEvent.SignalArrived signal:
                if (!_signals.Send(LeaderPid, signal.Signal)) SessionLog.SignalLost(_log, WaitStatus.SignalName(signal.Signal), LeaderPid);
                break;
            case SessionEvent.Requested requested:
                Accept(requested.Request);
                break;
            case SessionEvent.RequestExpired { Request: var overdue } when overdue == _pending:
                Settle(ControlReply.Refuse(ExitStatus.ServerUnresponsive, $"{WhyOverdue(overdue)}; the server is untouched."));
                /* Nobody may carry it out later, when nobody expects it any more. */
                if (overdue.Kind is MvRequest.Update or MvRequest.Promote) Accept(new ShimRequest(MvRequest.Cancel) { IsOperators = false });
                break;
            case SessionEvent.FollowerSeen seen:
                LetGo(seen.Who);
                break;
            case SessionEvent.FollowerOverdue overdue when overdue.Process.IsAlive && overdue.Process.Pid != LeaderPid && (overdue.WasSeen || !IsParked(overdue.Process.Pid)):
                SessionLog.FollowerKilled(_log, overdue.Process.Pid);
                _ = Libc.Kill(overdue.Process.Pid, Signals.Kill);
                break;
            case SessionEvent.LagTooLong lag when _state.Phase == Phase.Followed && _state.Followers.Contains(lag.Who):
                EndFollower(lag.Who, MvReason.LagLimit);
                break;
            case SessionEvent.UpdateOrdered ordered:
                Begin(ordered.Order, ordered.Told);
                break;
            case SessionEvent.Replayed replayed:
                Replayed(replayed);
                break;
            case SessionEvent.Stalled stalled:
                Stalled(stalled);
                break;
            case SessionEvent.Inspect inspect:
                inspect.Look();
                break;
        }
        _signals.Release(LeaderPid);
        AskTheNextLeader();
        SettleWhenAnswered();
    }

    private void Apply(IReadOnlyList<SessionAction> actions)
    {
        foreach (SessionAction action in actions) Apply(action);
    }

    private void Apply(SessionAction action)
    {
        ControlView view = _members.View();
        switch (action)
        {
            case SessionAction.PhaseChanged change:
                SessionLog.PhaseChanged(_log, change.From, change.To);
                break;
            case SessionAction.FollowerAttached attached:
                bool updating = view.Members[attached.Who.Version].IsUpdating;
                if (updating) SessionLog.CopyMade(_log, attached.Who.Pid, attached.Pause.TotalMilliseconds);
                else SessionLog.FollowerAttached(_log, attached.Who.Pid, attached.Pause.TotalMilliseconds);
                Remember(updating ? $"copy {attached.Who.Pid} is updated" : $"follower {attached.Who.Pid} attached");
                if (!updating)
                {
                    ulong leader = view.Members[view.LeaderVersion].Generation;
                    _versions.Followed(attached.Who, leader);
                    FindVersions(attached.Who, _versions.Of(leader).Number);
                }
                else if (_attempting && !_copyIsUnwanted)
                {
                    _stages.Copied(LeaderPid, attached.Who.Pid);
                    _plan?.Copied(attached.Who.Pid);
                }
                else
                {
                    EndFollower(attached.Who, MvReason.UpdateFailed); /* or an earlier coordinator's, which knew what it was to become */
                }
                _failures.RemoveAll(failure => failure.Pid != LeaderPid); /* made good; but a leader may have died as it made this one */
                if (!updating && LagMonitor.StartIfLimited(_memory, attached.Who, Post) is { } monitor) _lagMonitors[attached.Who] = monitor;
                WatchForHang(attached.Who); /* a copy, too: it will replay what its leader does meanwhile */
                break;
            case SessionAction.FollowerEnded { Who: var ended }:
                Member member = view.Members[ended.Version];
                string why = Reasons.Explain(member.Reason, member.ReasonCode, member.ReasonText);
                if (ended.Pid > 0) SessionLog.FollowerEnded(_log, ended.Pid, why); /* else the shim's own line is there */
                Remember(ended.Pid > 0 ? $"follower {ended.Pid} ended: {why}" : $"follower ended: {why}");
                if (member.Reason == MvReason.FollowerDied && ended.Pid > 0) Report(ended, ended.Version, ReportKind.FollowerDied);
                if (member.Reason == MvReason.Replaced && ended.Pid > 0) KillLater(ended.Pid, EndingTime);
                if (_lagMonitors.Remove(ended, out LagMonitor? watched)) watched.Dispose();
                StopWatchingForHang(ended);
                if (_watch?.Who == ended) StopWatching();
                if (member.Reason is MvReason.Diverged or MvReason.FollowerDied) ReportOf(ended.Pid); /* which may be begun later */
                _stages.FollowerEnded(ended.Pid);
                Do(_plan?.FollowerEnded(ended.Pid, member.Reason, why));
                break;
            case SessionAction.FollowerDied died:
                _memory.Control.EndPublishing(died.Who.Version, died.Who.Generation, MvReason.FollowerDied, died.Status?.Signal ?? 0, followerIsGone: true);
                break;
            case SessionAction.TakeReport { Who: var parked }:
                _memory.Control.EndPublishing(parked.Version, parked.Generation, MvReason.Diverged, 0, followerIsGone: false);
                Report(parked, parked.Version, ReportKind.Diverged);
                break;
            case SessionAction.LeaderEnded ended:
                _status = ended.Status;
                break;
            case SessionAction.FailureNoted failure:
                _failures.Add((failure.Pid, failure.Status, Environment.TickCount64));
                break;
            case SessionAction.LetFollowerEnd end:
                KillLater(end.Who.Pid, BacklogTime);
                break;
            case SessionAction.LeaderChanged changed:
                _formerLeader = LeaderPid;
                LeaderPid = changed.To;
                _orphans.Adopt(changed.To);
                StopWatching(); /* its marks are in the dead leader's logs */
                _stages.LeaderDied(changed.From.Pid, changed.To);
                Do(_plan?.LeaderDied(changed.To));
                Post(new SessionEvent.Inspect(() => FollowAgain(view.Generation)));
                SessionLog.LeaderChanged(_log, changed.From.Pid, changed.To, view.FailoverTime.TotalMilliseconds);
                ServiceManager.TellMainPid(changed.To);
                /* Its status says what killed it; it comes when the kernel has torn it down, which takes time. */
                if (changed.Status is null && _ownsServer) break;
                TellFailover(changed.From, changed.Status);
                break;
            case SessionAction.PlacesChanged changed:
                LeaderPid = changed.To;
                Post(new SessionEvent.Inspect(() => FollowAgain(view.Generation - 1)));
                SessionLog.PlacesChanged(_log, changed.To, changed.From, changed.Pause.TotalMilliseconds);
                Remember($"{changed.To} leads, {changed.From} follows it");
                StopWatching();
                _stages.PlacesChanged(changed.From, changed.To);
                _plan?.PlacesChanged(changed.From, changed.To);
                ServiceManager.TellMainPid(changed.To);
                break;
            case SessionAction.FormerLeaderEnded former when _ownsServer:
                TellFailover(former.Who, former.Status);
                break;
            case SessionAction.StrangerEnded stranger:
                _orphans.Ended(stranger.Pid, stranger.Status, stranger.Usage);
                break;
            case SessionAction.ProcessesChanged:
                Save();
                if (_watcher is { } watcher)
                    foreach (int pid in _state.Members) watcher.Watch(pid);
                break;
            case SessionAction.SessionEnded ended:
                _status = ended.Status ?? _status;
                SessionLog.SessionEnded(_log, _status?.ToString() ?? "status unknown");
                TellNobodyLeft();
                break;
        }
    }

    private void Save()
    {
        ProcessIdentity[] processes = [.. _state.Members.Select(ProcessIdentity.Of).OfType<ProcessIdentity>()];
        _file = _file with { Processes = processes, CoordinatorPid = Environment.ProcessId };
        try
        {
            _file.Save();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            SessionLog.Problem(_log, $"session.json can't be written ({e.Message}): a later coordinator may not find this session");
        }
    }

    /// <summary>Tells the leader to go solo and ends the follower, which has no effect outside itself; but not one that has just taken
    /// over from a leader that died, nor one that somebody else has ended: false.</summary>
    private bool EndFollower(Follower who, MvReason reason, int code = 0)
    {
        bool ends = _memory.Control.EndPublishing(who.Version, who.Generation, reason, code, followerIsGone: false);
        if (ends) _ = Libc.Kill(who.Pid, Signals.Kill);
        return ends;
    }

    /// <param name="who">The follower, or the promoted process.</param>
    /// <param name="version">The follower's version index, or the old leader's.</param>
    /// <param name="kind">What has happened.</param>
    /// <param name="status">How the old leader ended.</param>
    private void Report(Follower who, int version, ReportKind kind, WaitStatus? status = null) => Make(ReportOn(who, version, kind, status), who, kind);

    /// <summary>Keeps what may be gone soon.</summary>
    private ReportBuilder ReportOn(Follower who, int version, ReportKind kind, WaitStatus? status = null, TimeSpan howLong = default) =>
        new(_file.Name, _memory, who.Pid, version, kind, status, howLong, RulesBetween(_memory.Control.Block.LeaderVersion, version),
            [.. _memory.Control.View().Members.Select(member => _versions.Of(member.Generation).Loaded)]);

    private void Make(ReportBuilder builder, Follower who, ReportKind kind)
    {
        TaskCompletionSource<StoredReport?> made = ReportOf(who.Pid);
        var looked = new TaskCompletionSource();
        if (kind == ReportKind.Diverged) _looking = Task.WhenAll(_looking, looked.Task);
        Task making = Task.Run(() =>
        {
            StoredReport? report = null;
            void Seen()
            {
                looked.TrySetResult();
                if (kind == ReportKind.Diverged) Post(new SessionEvent.FollowerSeen(who));
            }
            try
            {
                report = _reports.Store(builder.Build(Seen));
                SessionLog.ReportStored(_log, report.Path, report.Report.Summary);
            }
            catch (Exception e)
            {
                /* A report that fails must not keep the follower parked for ever. */
                SessionLog.ReportFailed(_log, who.Pid, e);
                Seen();
            }
            made.TrySetResult(report);
        });
        _reporting = Task.WhenAll(_reporting, making);
    }

    private void TellFailover(FormerLeader from, WaitStatus? status)
    {
        string how = status?.ToString() ?? "status unknown";
        SessionLog.LeaderEnded(_log, from.Pid, how);
        Remember($"leader {from.Pid} is gone ({how}), {LeaderPid} leads");
        LoseStrangersLater();
        Report(new Follower(0, LeaderPid, 0), from.Version, ReportKind.Failover, status);
    }

    /// <summary>A leader that died with a follower beside it should have been succeeded. Which of the two is waited for first is chance.</summary>
    private void TellNobodyLeft()
    {
        long now = Environment.TickCount64;
        if (_failures.Count < 2 || _failures[^1].Pid == _failures[^2].Pid || now - _failures[^2].At > AtOnce) return;
        if (_failures.All(failure => failure.Pid != LeaderPid)) return; /* it has exited of its own accord */
        NobodyLeft = true;
        SessionLog.NobodyLeft(_log, string.Join(" and ", _failures.TakeLast(2).Select(failure => $"{failure.Pid} ({failure.Status})")));
    }

    private void LoseStrangersLater()
    {
        var look = new SessionEvent.Inspect(() => _orphans.LoseStrangers(_state.FormerLeadersGone, Environment.TickCount64));
        After(EndingTime, look);
        After(2 * EndingTime, look);
    }

    private void LetGo(Follower seen)
    {
        KillLater(seen.Pid, EndingTime, wasSeen: true);
        /* Its index may be another follower's by now, whose report is not taken yet. */
        if (_memory.Control.Block.Member(seen.Version).Generation == seen.Generation)
            _memory.Control.MarkReportTaken(seen.Version);
    }

    private void KillLater(int follower, TimeSpan delay, bool wasSeen = false)
    {
        if (ProcessIdentity.Of(follower) is { } process) After(delay, new SessionEvent.FollowerOverdue(process, wasSeen));
    }

    /// <summary>It differs, and is being looked at: it is let go of when that is done.</summary>
    private bool IsParked(int pid) => _memory.Control.View().Members.Any(member => member.Pid == pid && member.State == MvMemberState.Parked);

    /* An event that comes when its cause is gone is ignored: nobody needs to cancel it. */
    private void After(TimeSpan delay, SessionEvent e) =>
        _ = Task.Delay(delay, _ending.Token).ContinueWith(_ => Post(e), CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    private void SayMessages()
    {
        foreach (ShimMessage message in _memory.Control.MessagesAfter(ref _messagesSeen))
        {
            LogLevel level = message.Level switch { 0 => LogLevel.Information, 1 => LogLevel.Warning, _ => LogLevel.Error };
            SessionLog.ShimSays(_log, level, message.Pid, message.Text);
        }
    }

    /// <summary>A keeper, or a follower that nobody needs any more, must not outlive the session.</summary>
    private void EndRemaining()
    {
        foreach (ProcessIdentity process in _file.Processes.Where(p => p.IsAlive)) _ = Libc.Kill(process.Pid, Signals.Kill);
    }

    private void Remember(string what)
    {
        _history.Add(new PastEvent(DateTimeOffset.Now, what));
        if (_history.Count > HistoryLength) _history.RemoveAt(0);
    }
}
