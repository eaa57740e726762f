using Microsoft.Extensions.Logging;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>What `mvedsua run` says on its standard error.</summary>
internal static partial class SessionLog
{
    [LoggerMessage(LogLevel.Information, "session {Name}: server started, pid {Pid}")]
    internal static partial void ServerStarted(ILogger log, string name, int pid);

    [LoggerMessage(LogLevel.Information, "session {Name}: attached to the server, pid {Pid}; its exit status will not be known, and children of an ended version are not waited for")]
    internal static partial void Attached(ILogger log, string name, int pid);

    [LoggerMessage(LogLevel.Information, "stage: {From} -> {To}")]
    internal static partial void PhaseChanged(ILogger log, Phase from, Phase to);

    [LoggerMessage(LogLevel.Information, "follower {Pid} is in step; the server paused for {Milliseconds:0.0} ms")]
    internal static partial void FollowerAttached(ILogger log, int pid, double milliseconds);

    [LoggerMessage(LogLevel.Information, "copy {Pid} is to be updated; the server paused for {Milliseconds:0.0} ms")]
    internal static partial void CopyMade(ILogger log, int pid, double milliseconds);

    [LoggerMessage(LogLevel.Information, "follower {Pid} runs {To}; the update took {Milliseconds:0} ms")]
    internal static partial void Updated(ILogger log, int pid, string to, double milliseconds);

    [LoggerMessage(LogLevel.Warning, "follower {Pid} ended: {Why}")]
    internal static partial void FollowerEnded(ILogger log, int pid, string why);

    [LoggerMessage(LogLevel.Warning, "leader {Pid} ended: {How}")]
    internal static partial void LeaderEnded(ILogger log, int pid, string how);

    [LoggerMessage(LogLevel.Warning, "leader {From} is gone, {To} leads now (after {Milliseconds:0.000} ms); pid files name the old one")]
    internal static partial void LeaderChanged(ILogger log, int from, int to, double milliseconds);

    [LoggerMessage(LogLevel.Information, "{To} leads now, {From} follows it; the server paused for {Milliseconds:0.0} ms; pid files name the old one")]
    internal static partial void PlacesChanged(ILogger log, int to, int from, double milliseconds);

    [LoggerMessage(LogLevel.Warning, "the server has ended, but left running: {Processes}; Mvedsua knows nothing of them. A server that puts itself into the background must be told to stay in the foreground (redis-server --daemonize no, nginx -g 'daemon off;', lighttpd -D, memcached without -d)")]
    internal static partial void LeftBehind(ILogger log, string processes);

    [LoggerMessage(LogLevel.Warning, "how child {Pid} of a dead leader ended can't be known: the server is told that it was killed")]
    internal static partial void ChildUnknown(ILogger log, int pid);

    [LoggerMessage(LogLevel.Error, "leader and follower were killed at once, {Who}: nobody is left to serve. What the server had written to its files is there, as after a kill of the server alone; its connections are closed")]
    internal static partial void NobodyLeft(ILogger log, string who);

    [LoggerMessage(LogLevel.Information, "server ended: {How}")]
    internal static partial void SessionEnded(ILogger log, string how);

    [LoggerMessage(LogLevel.Error, "an update could not be carried out")]
    internal static partial void UpdateFailed(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Information, "{What}")]
    internal static partial void Noted(ILogger log, string what);

    [LoggerMessage(LogLevel.Warning, "{Problem}")]
    internal static partial void Problem(ILogger log, string problem);

    [LoggerMessage(LogLevel.Warning, "follower {Pid} did not end in time and was killed")]
    internal static partial void FollowerKilled(ILogger log, int pid);

    [LoggerMessage(LogLevel.Information, "report {Path}: {Summary}")]
    internal static partial void ReportStored(ILogger log, string path, string summary);

    [LoggerMessage(LogLevel.Error, "the report of follower {Pid} could not be made or stored")]
    internal static partial void ReportFailed(ILogger log, int pid, Exception e);

    [LoggerMessage(LogLevel.Warning, "signal {Signal} could not be passed on to {Pid}")]
    internal static partial void SignalLost(ILogger log, string signal, int pid);

    [LoggerMessage(Message = "[{Pid}] {Text}")]
    internal static partial void ShimSays(ILogger log, LogLevel level, int pid, string text);
}
