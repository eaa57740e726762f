using Mvedsua.Abi;
using System.Collections.Concurrent;
using System.Diagnostics;
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
    private const int HistoryLength = 48;
    private static readonly ControlReply SessionEnded = ControlReply.Refuse(ExitStatus.CoordinatorGone, "The session has ended.");

    private readonly BlockingCollection<SessionEvent> _events = [];
    private readonly ILogger _log;
    private readonly SharedMemory _memory;
    private readonly SessionState _state;
    private readonly MemberCheck _members;
    private readonly ProcessWatcher? _watcher;
    private readonly List<PastEvent> _history = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly bool _ownsServer;
    private readonly Orphans _orphans;
    private SessionFile _file;
    private readonly LinkedList<ShimRequest> _waiting = [];
    private ShimRequest? _pending;
    private readonly Dictionary<Follower, LagMonitor> _lagMonitors = [];
    private readonly MessageReader _messages;
    private bool _looksAgain; /* at a message that was not whole */
    private long? _askedForKeeper; /* when (Stopwatch) */
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
        _messages = new MessageReader(memory.Control.Block);
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
            SayMessages(areLast: true);
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
                /* (One that its leader survived, which needs one; a dead leader's goes by itself, and the kick would meet the next one in a call.) */
                if (_members.View() is { Stage: MvStage.Followed } view && ended.Pid == view.KeeperPid) AskForKeeper();
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

    /* An event that comes when its cause is gone is ignored: nobody needs to cancel it. */
    private void After(TimeSpan delay, SessionEvent e) =>
        _ = Task.Delay(delay, _ending.Token).ContinueWith(_ => Post(e), CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    /* The leader, whose keeper has ended, makes another one; one a second, as what ends them may last. */
    private void AskForKeeper()
    {
        if (_askedForKeeper is { } last && TimeSpan.FromSeconds(1) - Stopwatch.GetElapsedTime(last) is { Ticks: > 0 } rest)
        {
            After(rest, new SessionEvent.Inspect(AskForKeeper));
            return;
        }
        _askedForKeeper = Stopwatch.GetTimestamp();
        _ = ShimKick.Send(LeaderPid, (int)MvAbi.KickRequest);
    }

    private void SayMessages(bool areLast = false)
    {
        foreach (ShimMessage message in _messages.Take(areLast))
        {
            LogLevel level = message.Level switch { 0 => LogLevel.Information, 1 => LogLevel.Warning, _ => LogLevel.Error };
            SessionLog.ShimSays(_log, level, message.Pid, message.Text);
        }
        /* Whoever has written it tells of a change; one that was killed in it does not. */
        if (!_messages.IsWaiting || _looksAgain) return;
        _looksAgain = true;
        After(2 * MessageReader.Writing, new SessionEvent.Inspect(() => _looksAgain = false)); /* each event is a look */
    }

    private void Remember(string what)
    {
        _history.Add(new PastEvent(DateTimeOffset.Now, what));
        if (_history.Count > HistoryLength) _history.RemoveAt(0);
    }
}
