using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Looks at what a session has left on disk; needs no coordinator, changes nothing. Safe from any thread.</summary>
public static class SessionProbe
{
    /// <summary>The newest report of a session, also of one that has ended; null: none.</summary>
    public static DivergenceReport? LastReport(string name) =>
        SessionName.IsValid(name) ? new ReportStore(SessionDirectory.PathOf(name)).Last() : null;
}
