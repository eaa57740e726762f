using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Reports;

/// <summary>What a report is about.</summary>
internal enum ReportKind
{
    Diverged,
    FollowerDied,
    Failover,
    Stalled,
}

/// <summary>Builds a report from the session memory and the processes that are still there. Created on the session's
/// thread, which keeps what may be overwritten soon; built on any.</summary>
internal sealed class ReportBuilder
{
    private readonly string _session;
    private readonly SharedMemory _memory;
    private readonly int _pid, _version;
    private readonly ReportKind _kind;
    private readonly ControlView _view;
    private readonly WaitStatus? _status;
    private readonly MvDivergence _divergence;
    private readonly ulong _logs; /* their generation: the leader may begin them anew before the report is made */
    private readonly HangSection? _hang;
    private readonly RulesFile? _rules;
    private readonly IReadOnlyList<ImageRange>[] _images;

    /// <param name="session">The session's name.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="pid">The follower, or the promoted one after a failover.</param>
    /// <param name="version">Version index of the follower, or of the old leader.</param>
    /// <param name="kind">What has happened.</param>
    /// <param name="status">How the old leader ended, when that is known.</param>
    /// <param name="howLong">For how long it has replayed nothing.</param>
    /// <param name="rules">By which the follower was reconciled; null: none.</param>
    /// <param name="images">What updates have loaded into the processes, by version index.</param>
    internal ReportBuilder(string session, SharedMemory memory, int pid, int version, ReportKind kind, WaitStatus? status, TimeSpan howLong,
        RulesFile? rules, IReadOnlyList<ImageRange>[] images)
    {
        (_session, _memory, _pid, _version, _kind, _status, _rules, _images) = (session, memory, pid, version, kind, status, rules, images);
        _view = memory.Control.View();
        _logs = memory.Control.Block.LogGeneration;
        if (kind == ReportKind.Stalled) _hang = new HangSection(session, memory, _view, pid, version, howLong);
        if (kind == ReportKind.Diverged) _divergence = memory.Control.Block.Divergence(version);
    }

    /// <param name="seen">Called as soon as the follower is not needed any more, long before its addresses have names: it is not to
    /// stand there until then. Not called when that fails.</param>
    internal DivergenceReport Build(Action seen) => _kind switch
    {
        ReportKind.Diverged => new DivergenceSection(_session, _memory, _view, _pid, _version, _divergence, _logs, _rules, _images).Build(seen),
        ReportKind.Stalled => _hang!.Build(),
        ReportKind.FollowerDied => new DeathSection(_session, _memory, _view, _pid, _version, _images[_version]).BuildFollowerDeath(),
        _ => new DeathSection(_session, _memory, _view, _pid, _version, _images[_version]).BuildFailover(_status),
    };
}
