using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Cli;

/// <summary>The coordinator that runs inside this process.</summary>
internal static class Host
{
    internal static ISessionHost Create() => new SessionHost(new LineLogger());
}
