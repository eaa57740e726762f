using Microsoft.Extensions.Logging;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Launch;
using Mvedsua.Coordinator.Requests;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The coordinator inside a `mvedsua run` or `mvedsua attach` process. One session a process: it waits for
/// all of the process's children.</summary>
public sealed class SessionHost(ILogger log) : ISessionHost
{
    private const int SIGCHLD = 17;

    /// <inheritdoc/>
    public Task<int> RunAsync(LaunchPlan plan, RunOptions options, CancellationToken cancel)
    {
        InheritedSignals.Capture();
        SessionLock held = SessionLock.TryTake(options.Name)
            ?? throw LaunchRefusedException.Because(RefusalKind.SessionNameInUse, $"a session named '{options.Name}' is running; choose another --name.");
        try
        {
            Prepare(options.Name);
            SharedMemory memory = SharedMemory.Create(options.Name, options.LogLimit, options.Lag, options.Followers, options.Keep ? options.Followers : 0);
            return OnThread(() => Coordinate(plan, options, memory, held));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task AttachAsync(string name, Action ready, CancellationToken cancel)
    {
        if (SessionFile.Load(name) is not { } file || SessionSurvivor.Of(file) is not { } survivor)
            throw new SessionException(ExitStatus.UnknownSession, $"No server of a session named '{name}' is running.");
        SessionLock held = SessionLock.TryTake(name)
            ?? throw new SessionException(ExitStatus.RefusedByStage, $"Session '{name}' has a coordinator already (pid {file.CoordinatorPid}).");
        try
        {
            SharedMemory memory = SharedMemory.Open(name, survivor.Pid, writable: true);
            return OnThread(() => Serve(file, survivor, memory, held, ready, cancel));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private int Coordinate(LaunchPlan plan, RunOptions options, SharedMemory memory, SessionLock held)
    {
        using SessionLock keepLock = held;
        /* With SIGCHLD ignored, as some parents leave it, the kernel would keep no status for us. */
        _ = Libc.Signal(SIGCHLD, 0);
        _ = Libc.Prctl(Libc.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        using var forwarder = new SignalForwarder();
        /* Before the server can say that it is ready: whoever hears it may ask for the session. */
        using var server = new ControlServer(SessionDirectory.SocketOf(options.Name), log);
        /* This thread lives as long as the session: a server's PR_SET_PDEATHSIG means the thread that started it. */
        int pid = Start(plan, options.Name, memory.Memory.Descriptor);
        var file = new SessionFile(options.Name, plan.Arguments, [], Environment.ProcessId, DateTimeOffset.Now, memory.Inode);
        using var session = new Session(file, memory, pid, ownsServer: true, log);
        SessionLog.ServerStarted(log, options.Name, pid);
        forwarder.Connect(session);
        _ = server.RunAsync(session);
        new ChildReaper(session.Post).Start();
        WaitStatus? status = session.Run();
        SessionFiles.RemoveAfterEnd(options.Name);
        return session.NobodyLeft ? (int)ExitStatus.NobodyLeft : status?.Code ?? (int)ExitStatus.Internal;
    }

    private static int Start(LaunchPlan plan, string name, int descriptor)
    {
        try
        {
            return ServerProcess.Start(plan.Program, plan.Arguments, ServerEnvironment.For(plan.Library, descriptor), descriptor);
        }
        catch (SessionException)
        {
            SessionFiles.RemoveAfterEnd(name);
            throw;
        }
    }

    private int Serve(SessionFile file, ProcessIdentity survivor, SharedMemory memory, SessionLock held, Action ready, CancellationToken cancel)
    {
        using SessionLock keepLock = held;
        ControlView view = memory.Control.View();
        int leader = view.LeaderPid != 0 ? view.LeaderPid : survivor.Pid;
        using var session = new Session(file, memory, leader, ownsServer: false, log);
        SetCoordinator(memory, Environment.ProcessId);
        SessionLog.Attached(log, file.Name, leader);
        using var server = new ControlServer(SessionDirectory.SocketOf(file.Name), log);
        _ = server.RunAsync(session);
        using CancellationTokenRegistration stop = cancel.Register(session.Stop);
        ready();
        session.Run();
        if (cancel.IsCancellationRequested)
        {
            SetCoordinator(memory, 0);
            File.Delete(SessionDirectory.SocketOf(file.Name));
        }
        else
        {
            SessionFiles.RemoveAfterEnd(file.Name);
        }
        return 0;
    }

    /// <summary>Clears what a session that ended without tidying up has left under this name.</summary>
    private static void Prepare(string name)
    {
        if (SessionFile.Load(name) is { } file && SessionSurvivor.Of(file) is { } survivor)
            throw LaunchRefusedException.Because(RefusalKind.SessionNameInUse,
                $"the server of a session named '{name}' runs without a coordinator (pid {survivor.Pid}); 'mvedsua attach {name}' gives it one, or choose another --name.");
        SessionFiles.RemoveStale(name);
    }

    private static void SetCoordinator(SharedMemory memory, int pid)
    {
        SharedUInt32 coordinator = memory.Control.Block.CoordinatorPid;
        coordinator.Value = (uint)pid;
    }

    private static Task<int> OnThread(Func<int> work)
    {
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }) { Name = "session" }.Start();
        return done.Task;
    }
}
