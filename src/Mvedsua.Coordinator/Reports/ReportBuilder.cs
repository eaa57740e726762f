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
    private readonly HangSection? _hang;
    private readonly RulesFile? _rules;
    private readonly IReadOnlyList<ImageRange> _followers, _leaders;

    /// <param name="session">The session's name.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="pid">The follower, or the promoted one after a failover.</param>
    /// <param name="version">Version index of the follower, or of the old leader.</param>
    /// <param name="kind">What has happened.</param>
    /// <param name="status">How the old leader ended, when that is known.</param>
    /// <param name="rules">By which the follower was reconciled; null: none.</param>
    /// <param name="images">What updates have put into the process of a version index.</param>
    internal ReportBuilder(string session, SharedMemory memory, int pid, int version, ReportKind kind, WaitStatus? status, RulesFile? rules,
        Func<int, IReadOnlyList<ImageRange>> images)
    {
        (_session, _memory, _pid, _version, _kind, _status, _rules) = (session, memory, pid, version, kind, status, rules);
        _view = memory.Control.View();
        (_followers, _leaders) = (images(version), images(_view.LeaderVersion));
        if (kind == ReportKind.Stalled) _hang = new HangSection(session, memory, _view, pid, version);
        if (kind == ReportKind.Diverged) _divergence = memory.Control.Block.Divergence(version);
    }

    internal DivergenceReport Build() => _kind switch
    {
        ReportKind.Diverged => new DivergenceSection(_session, _memory, _view, _pid, _version, _divergence, _rules, _followers, _leaders).Build(),
        ReportKind.Stalled => _hang!.Build(),
        ReportKind.FollowerDied => new DeathSection(_session, _memory, _view, _pid, _version, _followers).BuildFollowerDeath(),
        _ => new DeathSection(_session, _memory, _view, _pid, _version, _followers).BuildFailover(_status),
    };
}
