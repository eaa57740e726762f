using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Reports are made beside the session: one takes far longer than what it tells of.</summary>
internal sealed partial class Session
{
    private static readonly TimeSpan ReportingTime = TimeSpan.FromSeconds(30); /* a backtrace by debug information, on a busy machine */
    private readonly ReportStore _reports;
    private Task _reporting = Task.CompletedTask; /* all that are being made */
    private Task _looking = Task.CompletedTask; /* those that still need the follower */

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
}
