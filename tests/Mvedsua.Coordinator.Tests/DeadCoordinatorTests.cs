using System.Diagnostics;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>A coordinator that is killed leaves the server serving, and a new one takes over.</summary>
public sealed class DeadCoordinatorTests
{
    private static async Task<(LiveSession Session, ProcessIdentity Server)> Orphaned()
    {
        LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; sleep 1000; :"]);
        await session.Line();
        SessionStatus status = await session.Status();
        ProcessIdentity server = ProcessIdentity.Of(status.Leader.Pid)!.Value;
        session.KillCoordinator();
        return (session, server);
    }

    /// <summary>Ends what a verb may have started, too: the coordinator that attached itself.</summary>
    private static async Task End(LiveSession session, ProcessIdentity server)
    {
        SessionFile? file = SessionFile.Load(session.Name);
        foreach (int pid in (int[])[.. ChildrenOf(server.Pid), server.Pid]) Process.GetProcessById(pid).Kill();
        if (file is not null && file.CoordinatorPid != session.Run.Id && ProcessIdentity.Of(file.CoordinatorPid) is not null)
            await Process.GetProcessById(file.CoordinatorPid).WaitForExitAsync().WaitAsync(LiveSession.Patience);
        await session.DisposeAsync();
    }

    private static IEnumerable<int> ChildrenOf(int pid) =>
        File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);

    [Fact]
    public async Task The_server_goes_on_and_status_and_follow_find_it()
    {
        (LiveSession session, ProcessIdentity server) = await Orphaned();
        try
        {
            Assert.True(server.IsAlive);
            Result status = await session.Verb("status", "--json");
            Assert.True(status.Status == 0, status.Errors);
            Assert.Contains($"\"pid\": {server.Pid}", status.Output, StringComparison.Ordinal);
            Result follow = await session.Verb("follow");
            Assert.True(follow.Status == 0, follow.Errors);
            Assert.NotNull((await session.Status()).Follower);
            Assert.Equal(0, (await session.Verb("unfollow")).Status);
        }
        finally
        {
            await End(session, server);
        }
    }

    /// <summary>What could break it: .NET's console keeps a duplicate of the standard error that it has begun with, a pipe that nobody reads any more.</summary>
    [Fact]
    public async Task What_the_new_coordinator_has_to_tell_stands_in_the_sessions_directory()
    {
        (LiveSession session, ProcessIdentity server) = await Orphaned();
        try
        {
            Assert.Equal(0, (await session.Verb("follow")).Status);
            string log = Path.Combine(SessionDirectory.PathOf(session.Name), "coordinator.log");
            long begin = Stopwatch.GetTimestamp();
            while (!File.ReadAllText(log).Contains("is in step", StringComparison.Ordinal) && Stopwatch.GetElapsedTime(begin) < LiveSession.Patience) await Task.Delay(10);
            Assert.Contains("is in step", File.ReadAllText(log), StringComparison.Ordinal);
        }
        finally
        {
            await End(session, server);
        }
    }

    [Fact]
    public async Task One_that_is_stopped_is_named_and_the_server_is_left_alone()
    {
        await using LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; read line; echo $line"]);
        await session.Line();
        await Result.Of("/bin/kill", "-STOP", $"{session.Run.Id}");
        Result status = await session.Verb("status");
        await Result.Of("/bin/kill", "-CONT", $"{session.Run.Id}");
        Assert.Equal((int)ExitStatus.CoordinatorGone, status.Status);
        Assert.Contains("does not answer", status.Errors, StringComparison.Ordinal);
        session.Run.StandardInput.WriteLine("served");
        Assert.Equal("served", await session.Line());
        Assert.Equal(0, await session.Exit());
    }

    [Fact]
    public async Task The_new_coordinator_ends_with_the_server_and_tidies_up()
    {
        (LiveSession session, ProcessIdentity server) = await Orphaned();
        Assert.Equal(0, (await session.Verb("status")).Status);
        await End(session, server);
        Assert.False(Directory.Exists(SessionDirectory.PathOf(session.Name)));
    }

    [Fact]
    public async Task Its_name_stays_taken_while_the_server_runs_and_is_free_afterwards()
    {
        (LiveSession session, ProcessIdentity server) = await Orphaned();
        try
        {
            Result taken = await Result.Of(Installation.Fake, "run", "--name", session.Name, "--", "/bin/true");
            Assert.Equal((int)ExitStatus.LaunchRefused, taken.Status);
        }
        finally
        {
            await End(session, server);
        }
        Result gone = await session.Verb("status");
        Assert.Equal((int)ExitStatus.UnknownSession, gone.Status);
        Assert.Equal(0, (await Result.Of(Installation.Fake, "run", "--name", session.Name, "--", "/bin/true")).Status);
    }
}
