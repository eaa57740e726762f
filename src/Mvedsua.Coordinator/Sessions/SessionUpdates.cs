using System.Diagnostics;
using Mvedsua.Abi;
using Mvedsua.Abi.Elf;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Updates: a follower that becomes another version before it replays.</summary>
internal sealed partial class Session
{
    private readonly VersionTable _versions;

    /// <summary>The server's main thread, in what it does: for whoever waits for it.</summary>
    private string MainThreadsCall => _memory.Control.Block is var control && control.Thread(control.LeaderVersion, 0) is { InCall: not uint.MaxValue and var call }
        && Abi.Calls.CallTable.ByNumber(call) is { } row ? $"its last call was {row.Name}" : "it has made no call yet";

    /// <summary>Makes a copy of the leader and of that the new version, once.</summary>
    private async Task<AttemptResult> AttemptAsync(UpdateOrder order)
    {
        FailurePolicy policy = default;
        try
        {
            UpdateRules rules = order.Rules is not { } folder ? UpdateRules.None : await Task.Run(() => UpdateRules.Load(folder)).ConfigureAwait(false);
            (ServerVersion now, PreparedUpdate ofNow) = await PrepareAsync(order).ConfigureAwait(false);
            using PreparedUpdate prepared = ofNow;
            policy = prepared.OnFailure;
            (uint point, string name) = PointOf(prepared.At, order.Rules is not null);
            var request = new ShimRequest(MvRequest.Update) { Point = point, PointName = name };
            ControlReply reply = await AskAsync(request).ConfigureAwait(false);
            for (long begin = Stopwatch.GetTimestamp(); request.MaySucceedLater && Stopwatch.GetElapsedTime(begin) < ShimRequest.TimeLimit;)
            {
                await Task.Delay(20).ConfigureAwait(false); /* a failover is over in a moment, and its end is told to nobody here */
                request = new ShimRequest(MvRequest.Update) { Point = point, PointName = name };
                reply = await AskAsync(request).ConfigureAwait(false);
            }
            return reply.Ok ? await ApplyAsync(order, prepared, rules, now, request.Followers[0], reply.Message!).ConfigureAwait(false) : new AttemptResult(0, reply, policy);
        }
        catch (UpdateRefusedException e)
        {
            return new AttemptResult(0, ControlReply.Refuse(ExitStatus.UpdateRefused, $"The update was refused, the server is untouched: {e.Message}"), policy);
        }
        catch (Exception e)
        {
            SessionLog.UpdateFailed(_log, e);
            return new AttemptResult(0, Failed(e), policy);
        }
    }

    private async Task<AttemptResult> ApplyAsync(UpdateOrder order, PreparedUpdate prepared, UpdateRules rules, ServerVersion old, Follower copy, string pause)
    {
        try
        {
            long begin = Stopwatch.GetTimestamp();
            using var tasks = new CopyTasks(_memory.Control.Block, copy, old.Loaded);
            UpdateOutcome outcome = await Task.Run(() => prepared.Apply(tasks)).ConfigureAwait(false);
            await LookAsync(() => { _versions.Updated(copy, new ServerVersion(old.Number + 1, order.To, outcome.Link.Image, rules.Files)); return true; }).ConfigureAwait(false);
            _memory.Control.Block.WriteRules(copy.Version, rules.Forward, rules.Reverse);
            tasks.Resume(outcome);
            double took = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            Post(new SessionEvent.Inspect(() => Updated(copy, order.To, took, outcome.Inferred)));
            string message = $"follower {copy.Pid} runs {order.To} and is compared with the leader; {pause}; the update took {took:0} ms";
            if (order.Rules is not null) message += $"; {rules.Summary}";
            return new AttemptResult(copy.Pid, new ControlReply(true, Message: string.Join('\n', [message, .. outcome.Inferred is { } inferred ? [inferred] : Array.Empty<string>(), .. rules.Warnings])), prepared.OnFailure);
        }
        catch (UpdateRefusedException e)
        {
            Post(new SessionEvent.Inspect(() => Abandon(copy, e.Message)));
            return new AttemptResult(copy.Pid, ControlReply.Refuse(ExitStatus.UpdateFailed, $"The update failed, the server goes on unchanged: {e.Message}"), prepared.OnFailure);
        }
        catch (Exception e)
        {
            SessionLog.UpdateFailed(_log, e);
            Post(new SessionEvent.Inspect(() => Abandon(copy, e.Message))); /* it would stand still for ever */
            return new AttemptResult(copy.Pid, Failed(e), prepared.OnFailure);
        }
    }

    /// <summary>What no update should come to, such as a full disk under the session's folder.</summary>
    private static ControlReply Failed(Exception e) => ControlReply.Refuse(ExitStatus.Internal, $"The coordinator failed ({e.GetType().Name}), the server goes on unchanged: {e.Message}");

    /// <summary>The rules between a leader and its follower, by their version indices; null: none.</summary>
    private RulesFile? RulesBetween(int leader, int follower) =>
        _memory.Control.UpdatedOf(leader, follower) is { } updated && _versions.Of(updated.Generation).Rules is { } rules
            ? updated.Version == follower ? rules.Forward : rules.Reverse : null;

    /// <summary>Between versions with rules leader and follower change places at the same point, which only a call's place in the log tells.</summary>
    private static (uint Point, string Name) PointOf(UpdatePoint? at, bool hasRules) => at switch
    {
        null => (hasRules ? MvAbi.PointCalls : MvAbi.PointAny, ""),
        { IsPoint: true } when hasRules =>
            throw new UpdateRefusedException($"the description wants the update at the program's point {at.Name}, which doesn't go with rules: name a system call ('update at CALL')"),
        { IsPoint: true } => (MvAbi.PointNamed, at.Name),
        _ => Abi.Calls.CallTable.ByName(at.Name) is { } row ? ((uint)row.Number, "")
            : throw new UpdateRefusedException($"the description wants the update at {at.Name}, which is no system call"),
    };

    /// <summary>By the leader's program and memory. One that dies meanwhile takes them along, and whoever leads then has the same: it is looked at
    /// anew.</summary>
    private async Task<(ServerVersion Now, PreparedUpdate Prepared)> PrepareAsync(UpdateOrder order)
    {
        for (long begin = Stopwatch.GetTimestamp(); ; await Task.Delay(20).ConfigureAwait(false)) /* its successor is known in a moment */
        {
            (int leader, ServerVersion now) = await LookAsync(() =>
                (LeaderPid, _versions.Of(_memory.Control.Block.Member(_memory.Control.Block.LeaderVersion).Generation))).ConfigureAwait(false);
            try
            {
                return (now, await Task.Run(() => Prepare(leader, now, order.To, order.Description)).ConfigureAwait(false));
            }
            catch (UpdateRefusedException) when (ProcStat.Of(leader) is null or { State: 'Z' or 'X' } && Stopwatch.GetElapsedTime(begin) < ShimRequest.TimeLimit)
            {
                SessionLog.Noted(_log, $"the leader ({leader}) has died as its update was prepared; its successor's is");
            }
        }
    }

    private static PreparedUpdate Prepare(int leader, ServerVersion now, string to, string? description)
    {
        string program = now.Image?.Path ?? $"/proc/{leader}/exe";
        return PreparedUpdate.Prepare(now.Image ?? ImageOf(leader, program), program, to, description);
    }

    /// <summary>The image that the system's loader made: its first mapping is the one of the file's beginning.</summary>
    private static LinkedImage ImageOf(int pid, string program)
    {
        try
        {
            ElfFile file = ElfFile.Read(program);
            string path = new FileInfo(program).LinkTarget ?? program;
            Mapping first = File.ReadLines($"/proc/{pid}/maps").Select(Mapping.Parse).First(m => m.Name == path);
            return LinkedImage.First(file, first.Start - (file.Extent.Start & ~4095ul));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ElfException or InvalidOperationException)
        {
            throw new UpdateRefusedException($"the program of process {pid} can't be found in its memory: {e.Message}", e);
        }
    }

    private void Updated(Follower copy, string to, double milliseconds, string? inferred)
    {
        _stages.Resumed(copy.Pid);
        WatchReplay(copy.Pid, MarkOfCatchUp);
        SessionLog.Updated(_log, copy.Pid, to, milliseconds);
        Remember($"follower {copy.Pid} was updated to {to}{(inferred is null ? "" : $" and {inferred}")}");
        if (LagMonitor.StartIfLimited(_memory, copy, Post) is { } monitor) _lagMonitors[copy] = monitor;
    }

    private void Abandon(Follower copy, string why)
    {
        SessionLog.Problem(_log, $"the update of {copy.Pid} failed: {why}");
        Remember($"the update failed: {why}");
        EndFollower(copy, MvReason.UpdateFailed);
    }

    /// <summary>What the session's own thread sees.</summary>
    private Task<T> LookAsync<T>(Func<T> look)
    {
        var asked = new Look<T>(look);
        if (!TryPost(new SessionEvent.Inspect(asked.Make))) throw new UpdateRefusedException("the session has ended");
        return asked.WaitAsync(ShimRequest.TimeLimit);
    }
}
