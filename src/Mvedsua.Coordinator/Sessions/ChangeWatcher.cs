using Mvedsua.Abi;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Sleeps until the shim raises control.change; costs nothing while nothing happens.</summary>
internal sealed class ChangeWatcher(SharedControl control, Action<SessionEvent> post)
{
    /* Only a net under a lost wake-up, such as that of a shim killed between its store and its wake. */
    private static readonly TimeSpan SafetyNet = TimeSpan.FromSeconds(5);

    internal void Start() => new Thread(Run) { IsBackground = true, Name = "change watcher" }.Start();

    private void Run()
    {
        SharedUInt32 change = control.Block.Change;
        uint seen = 0; /* what was raised before this thread ran has not been told yet */
        while (true)
        {
            change.Wait(seen, SafetyNet);
            uint now = change.Value;
            if (now == seen) continue;
            seen = now;
            post(new SessionEvent.ControlChanged());
        }
    }
}
