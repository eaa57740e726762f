using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Reports;

/// <summary>What a report is about.</summary>
internal enum ReportKind
{
    Diverged,
    FollowerDied,
    Failover,
}

internal sealed class ReportBuilder(string session, SharedMemory memory, int pid, ReportKind kind)
{
    internal DivergenceReport Build() => throw new NotSupportedException($"{session} {memory} {pid} {kind}");
}
