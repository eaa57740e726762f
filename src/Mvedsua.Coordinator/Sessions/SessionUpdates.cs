using Mvedsua.Abi;
using Mvedsua.Abi.Elf;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Updates: a follower that becomes another version before it replays.</summary>
internal sealed partial class Session
{
    private readonly VersionTable _versions;
    private int _updates; /* under way: 0 or 1 */

    /// <summary>The server's main thread, in what it does: for whoever waits for it.</summary>
    private string MainThreadsCall => _memory.Control.Block is var control && control.Thread(control.LeaderVersion, 0) is { InCall: not uint.MaxValue and var call }
        && Abi.Calls.CallTable.ByNumber(call) is { } row ? $"its last call was {row.Name}" : "it has made no call yet";

    public async Task<ControlReply> UpdateAsync(string to, string? description, string? rules)
    {
        if (Interlocked.Exchange(ref _updates, 1) != 0) return ControlReply.Refuse(ExitStatus.RefusedByStage, "Another update is being carried out; try again when it is done.");
        try
        {
            return await UpdateOnceAsync(to, description, rules).ConfigureAwait(false);
        }
        catch (UpdateRefusedException e)
        {
            return ControlReply.Refuse(ExitStatus.UpdateRefused, $"The update was refused, the server is untouched: {e.Message}");
        }
        finally
        {
            Volatile.Write(ref _updates, 0);
        }
    }

    private async Task<ControlReply> UpdateOnceAsync(string to, string? description, string? folder)
    {
        UpdateRules rules = folder is null ? UpdateRules.None : await Task.Run(() => UpdateRules.Load(folder)).ConfigureAwait(false);
        (int leader, ServerVersion now) = await LookAsync(() =>
            (LeaderPid, _versions.Of(_memory.Control.Block.Member(_memory.Control.Block.LeaderVersion).Generation))).ConfigureAwait(false);
        using PreparedUpdate prepared = await Task.Run(() => Prepare(leader, now, to, description)).ConfigureAwait(false);
        var request = new ShimRequest(MvRequest.Update) { Call = CallOf(prepared.At) };
        ControlReply reply = await AskAsync(request).ConfigureAwait(false);
        if (!reply.Ok) return reply;
        Follower copy = request.Followers[0];
        try
        {
            long begin = System.Diagnostics.Stopwatch.GetTimestamp();
            using var tasks = new CopyTasks(_memory.Control.Block, copy);
            UpdateOutcome outcome = await Task.Run(() => prepared.Apply(tasks)).ConfigureAwait(false);
            await LookAsync(() => { _versions.Updated(copy, new ServerVersion(now.Number + 1, to, outcome.Link.Image, rules.Files)); return true; }).ConfigureAwait(false);
            _memory.Control.Block.WriteRules(copy.Version, rules.Forward, rules.Reverse);
            tasks.Resume(outcome);
            double took = System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            Post(new SessionEvent.Inspect(() => Updated(copy, to, took)));
            string message = $"follower {copy.Pid} runs {to} and is compared with the leader; {reply.Message}; the update took {took:0} ms";
            if (folder is not null) message += $"; {rules.Summary}";
            return new ControlReply(true, Message: string.Join('\n', [message, .. rules.Warnings]));
        }
        catch (UpdateRefusedException e)
        {
            Post(new SessionEvent.Inspect(() => Abandon(copy, e.Message)));
            return ControlReply.Refuse(ExitStatus.UpdateFailed, $"The update failed, the server goes on unchanged: {e.Message}");
        }
    }

    /// <summary>The rules between a leader and its follower, by their version indices; null: none.</summary>
    private RulesFile? RulesBetween(int leader, int follower) =>
        _memory.Control.UpdatedOf(leader, follower) is { } updated && _versions.Of(updated.Generation).Rules is { } rules
            ? updated.Version == follower ? rules.Forward : rules.Reverse : null;

    /// <summary>Which of the versions leads, and who runs the other one.</summary>
    private (Stage Stage, Follower Other) Versions()
    {
        ControlBlock control = _memory.Control.Block;
        int leader = _versions.Of(control.Member(control.LeaderVersion).Generation).Number;
        Follower other = _state.Followers.FirstOrDefault(f => _versions.Of(f.Generation).Number != leader || control.Member(f.Version).IsUpdating);
        if (other.Pid == 0) return (Stage.SingleLeader, other);
        return (_versions.Of(other.Generation).Number < leader ? Stage.UpdatedLeader : Stage.OutdatedLeader, other);
    }

    public async Task<ControlReply> CommitAsync()
    {
        (Stage stage, Follower old) = await LookAsync(Versions).ConfigureAwait(false);
        if (stage != Stage.UpdatedLeader)
            return ControlReply.Refuse(ExitStatus.RefusedByStage, stage == Stage.OutdatedLeader
                ? $"The old version leads: 'mvedsua promote {_file.Name}' makes the new one the leader." : "The session has one version only.");
        ControlReply reply = await UnfollowAsync(old.Pid, all: false).ConfigureAwait(false);
        return reply.Ok ? new ControlReply(true, Message: $"{LeaderPid} serves alone; the old version (pid {old.Pid}) has ended") : reply;
    }

    public async Task<ControlReply> RollbackAsync()
    {
        (Stage stage, Follower other) = await LookAsync(Versions).ConfigureAwait(false);
        if (stage == Stage.SingleLeader) return ControlReply.Refuse(ExitStatus.RefusedByStage, "The session has one version only.");
        int updated = stage == Stage.OutdatedLeader ? other.Pid : LeaderPid;
        if (stage == Stage.UpdatedLeader && await PromoteAsync(other.Pid).ConfigureAwait(false) is { Ok: false } refusal) return refusal;
        ControlReply reply = await UnfollowAsync(updated, all: false).ConfigureAwait(false);
        return reply.Ok ? new ControlReply(true, Message: $"{LeaderPid} serves alone; the new version (pid {updated}) has ended") : reply;
    }

    private static uint? CallOf(string? name) => name is null ? null : Abi.Calls.CallTable.ByName(name) is { } row
        ? (uint)row.Number : throw new UpdateRefusedException($"the description wants the update at {name}, which is no system call");

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

    private void Updated(Follower copy, string to, double milliseconds)
    {
        SessionLog.Updated(_log, copy.Pid, to, milliseconds);
        Remember($"follower {copy.Pid} was updated to {to}");
        if (LagMonitor.StartIfLimited(_memory, copy, Post) is { } monitor) _lagMonitors[copy] = monitor;
    }

    private void Abandon(Follower copy, string why)
    {
        SessionLog.Problem(_log, $"the update of {copy.Pid} failed: {why}");
        Remember($"the update failed: {why}");
        EndFollower(copy, MvReason.UpdateFailed);
    }

    /// <summary>What the session's own thread sees.</summary>
    private async Task<T> LookAsync<T>(Func<T> look)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryPost(new SessionEvent.Inspect(() => done.TrySetResult(look())))) throw new UpdateRefusedException("the session has ended");
        return await done.Task.WaitAsync(ShimRequest.TimeLimit).ConfigureAwait(false);
    }
}
