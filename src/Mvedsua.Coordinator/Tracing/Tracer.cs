using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tracing;

internal static class Tracer
{
    internal static IAsyncEnumerable<TraceEvent> RunAsync(SharedMemory memory, Func<MvRequest, Task<ControlReply>> ask, CancellationToken cancel) =>
        throw new SessionException(ExitStatus.Unsupported, $"{memory} {ask} {cancel}");
}
