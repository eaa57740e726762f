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
    private const int HistoryLength = 48;
    private static readonly ControlReply SessionEnded = ControlReply.Refuse(ExitStatus.CoordinatorGone, "The session has ended.");

    private readonly BlockingCollection<SessionEvent> _events = [];
    private readonly ILogger _log;
    private readonly SharedMemory _memory;
    private readonly SessionState _state;
    private readonly MemberCheck _members;
    private readonly ReportStore _reports;
    private readonly ProcessWatcher? _watcher;
    private readonly List<PastEvent> _history = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly bool _ownsServer;
    private readonly Orphans _orphans;
    private SessionFile _file;
    private readonly LinkedList<ShimRequest> _waiting = [];
    private ShimRequest? _pending;
    private LagMonitor? _lagMonitor;
    private ulong _messagesSeen;
    private WaitStatus? _status;
    private bool _stop;
    private volatile TaskCompletionSource _change = NewChange();

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
    }

    /// <summary>Who leads now. Any thread.</summary>
    internal int LeaderPid { get; private set; }

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

    /// <summary>Handles events until the session has ended or <see cref="Stop"/> was called; returns the last leader's
    /// status, null when it isn't known.</summary>
    internal WaitStatus? Run()
    {
        LeaderPid = _state.LeaderPid;
        _watcher?.Watch(LeaderPid);
        if (!_ownsServer) _orphans.Adopt(LeaderPid); /* those of an earlier failover */
        Save();
        new ChangeWatcher(_memory.Control, Post).Start();
        Post(new SessionEvent.ControlChanged());
        if (!_ownsServer && TracerSlot.EndAbandoned(_memory)) Post(new SessionEvent.Requested(new ShimRequest(MvRequest.Untrace)));
        while (!_stop && _state.Phase != Phase.Ended)
        {
            Handle(_events.Take());
            Announce();
        }
        _events.CompleteAdding();
        IEnumerable<ShimRequest?> unheard = _events.OfType<SessionEvent.Requested>().Select(e => e.Request);
        foreach (ShimRequest request in _waiting.Append(_pending).Concat(unheard).OfType<ShimRequest>()) request.Settle(SessionEnded);
        if (_state.Phase == Phase.Ended)
        {
            EndRemaining();
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
        _lagMonitor?.Dispose();
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
                Apply(_state.ProcessEnded(ended.Pid, ended.Status, ended.Usage, _members.View()));
                _members.Forget(ended.Pid);
                break;
            case SessionEvent.NoChildLeft when _ownsServer:
                Apply(_state.NoChildLeft());
                break;
            case SessionEvent.SignalArrived signal:
                Forward(signal.Signal);
                break;
            case SessionEvent.Requested requested:
                Accept(requested.Request);
                break;
            case SessionEvent.RequestExpired expired when expired.Request == _pending:
                Settle(ControlReply.Refuse(ExitStatus.ServerUnresponsive,
                    $"The leader has not answered within {ShimRequest.TimeLimit.TotalSeconds:0} s (is it stopped?); the server is untouched."));
                break;
            case SessionEvent.ReportStored stored:
                LetGo(stored);
                break;
            case SessionEvent.FollowerOverdue overdue when overdue.Follower.IsAlive && overdue.Follower.Pid != LeaderPid:
                SessionLog.FollowerKilled(_log, overdue.Follower.Pid);
                _ = Libc.Kill(overdue.Follower.Pid, Signals.Kill);
                break;
            case SessionEvent.LagTooLong lag when _state.Phase == Phase.Followed && lag.Generation == _memory.Control.View().Generation:
                EndFollower(lag.Generation, MvReason.LagLimit);
                break;
            case SessionEvent.Inspect inspect:
                inspect.Look();
                break;
        }
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
                SessionLog.FollowerAttached(_log, attached.Pid, attached.Pause.TotalMilliseconds);
                Remember($"follower {attached.Pid} attached");
                _lagMonitor = LagMonitor.StartIfLimited(_memory, view.Generation, Post);
                break;
            case SessionAction.FollowerEnded ended:
                string why = Reasons.Explain(view.Reason, view.ReasonCode, view.ReasonText);
                if (ended.Pid > 0) SessionLog.FollowerEnded(_log, ended.Pid, why); /* else the shim's own line is there */
                Remember(ended.Pid > 0 ? $"follower {ended.Pid} ended: {why}" : $"follower ended: {why}");
                if (view.Reason == MvReason.FollowerDied && ended.Pid > 0) Report(ended.Pid, ReportKind.FollowerDied);
                _lagMonitor?.Dispose();
                _lagMonitor = null;
                break;
            case SessionAction.FollowerDied died:
                _memory.Control.EndPublishing(view.Generation, MvReason.FollowerDied, died.Status?.Signal ?? 0, followerIsGone: true);
                break;
            case SessionAction.TakeReport take:
                _memory.Control.EndPublishing(view.Generation, MvReason.Diverged, 0, followerIsGone: false);
                Report(take.Pid, ReportKind.Diverged);
                break;
            case SessionAction.LeaderEnded ended:
                _status = ended.Status;
                break;
            case SessionAction.LetFollowerEnd end:
                KillLater(end.Pid);
                break;
            case SessionAction.LeaderChanged changed:
                LeaderPid = changed.To;
                _orphans.Adopt(changed.To);
                After(EndingTime, new SessionEvent.Inspect(_orphans.LoseStrangers));
                After(2 * EndingTime, new SessionEvent.Inspect(_orphans.LoseStrangers));
                SessionLog.LeaderChanged(_log, changed.From, changed.To, view.FailoverTime.TotalMilliseconds);
                ServiceManager.TellMainPid(changed.To);
                /* Its status says what killed it; it comes when the kernel has torn it down, which takes time. */
                if (changed.Status is null && _ownsServer) break;
                TellFailover(changed.From, changed.Status);
                break;
            case SessionAction.FormerLeaderEnded former when _ownsServer:
                TellFailover(former.Pid, former.Status);
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

    private void Forward(int signal)
    {
        if (Libc.Kill(LeaderPid, signal) != 0) SessionLog.SignalLost(_log, WaitStatus.SignalName(signal), LeaderPid);
    }

    /// <summary>Tells the leader to go solo and ends the follower, which has no effect outside itself; but not one that has just taken
    /// over from a leader that died.</summary>
    private void EndFollower(ulong generation, MvReason reason)
    {
        if (_memory.Control.EndPublishing(generation, reason, 0, followerIsGone: false) && _state.FollowerPid != 0)
            _ = Libc.Kill(_state.FollowerPid, Signals.Kill);
    }

    private void Report(int pid, ReportKind kind, WaitStatus? status = null)
    {
        var builder = new ReportBuilder(_file.Name, _memory, pid, kind, status);
        _ = Task.Run(() =>
        {
            StoredReport? report = null;
            try
            {
                report = _reports.Store(builder.Build());
                SessionLog.ReportStored(_log, report.Path, report.Report.Summary);
            }
            catch (Exception e)
            {
                /* A report that fails must not keep the follower parked for ever. */
                SessionLog.ReportFailed(_log, pid, e);
            }
            if (kind == ReportKind.Diverged) Post(new SessionEvent.ReportStored(pid, report));
        });
    }

    private void TellFailover(int from, WaitStatus? status)
    {
        string how = status?.ToString() ?? "status unknown";
        SessionLog.LeaderEnded(_log, from, how);
        Remember($"leader {from} is gone ({how}), {LeaderPid} leads");
        Report(LeaderPid, ReportKind.Failover, status);
    }

    private void LetGo(SessionEvent.ReportStored stored)
    {
        KillLater(stored.FollowerPid);
        /* It may be out of the control block already, but a next one's report is not taken yet. */
        if (_state.FollowerPid != 0 && _state.FollowerPid != stored.FollowerPid) return;
        _memory.Control.MarkReportTaken();
    }

    private void KillLater(int follower)
    {
        if (ProcessIdentity.Of(follower) is { } process) After(EndingTime, new SessionEvent.FollowerOverdue(process));
    }

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
