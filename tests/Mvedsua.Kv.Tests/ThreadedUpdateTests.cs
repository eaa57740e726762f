using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>Updates of the sample server with worker threads, under load: each begins anew in the new version.</summary>
public sealed class ThreadedUpdateTests : UpdatedServers
{
    private const string Flags = "-O1 -g -Wl,--emit-relocs";

    /// <summary>The follower is to come near enough for a promotion.</summary>
    private static readonly TimeSpan Thought = TimeSpan.FromMilliseconds(2);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Threads_begin_anew_in_the_new_version_and_no_client_notices(int threads)
    {
        RedisUnderMvedsua server = Server(threads: threads);
        string program = KvVariant.Build(server.Folder, "other-build", Flags);
        using var load = KvClient.Load(server.Port, 8, 21, inShards: true);
        load.ThinkTime = Thought;
        load.More(500);
        Updated(server, program);
        load.More(500);
        Agrees(server);
        int old = Pid(server), updated = Pid(server, follower: true);
        Do(server, "promote");
        Assert.Equal(("updated-leader", updated, old), (Stage(server), Pid(server), Pid(server, follower: true)));
        load.More(500);
        Agrees(server);
        Do(server, "commit");
        load.More(500);
        HasAll(server, load);
    }

    [Fact]
    public void Updates_of_a_server_with_threads_follow_each_other_and_roll_back()
    {
        RedisUnderMvedsua server = Server(threads: 3);
        string[] programs = [KvVariant.Build(server.Folder, "second", Flags), KvVariant.BuildWithOtherEntries(server.Folder)];
        using var load = KvClient.Load(server.Port, 6, 22, inShards: true);
        load.ThinkTime = Thought;
        foreach (string program in programs)
        {
            load.More(300);
            Updated(server, program, KvVariant.Lengths);
            load.More(300);
            Do(server, "rollback");
            Updated(server, program, KvVariant.Lengths);
            load.More(300);
            Do(server, "promote");
            load.More(300);
            Do(server, "commit");
        }
        load.More(300);
        HasAll(server, load);
    }

    /// <summary>A follower that is made of an updated leader, and one that takes over from a killed one, have its threads.</summary>
    [Fact]
    public void The_new_version_takes_over_with_all_its_threads_when_the_old_one_is_killed()
    {
        RedisUnderMvedsua server = Server(threads: 4);
        string program = KvVariant.Build(server.Folder, "other-build", Flags);
        using var load = KvClient.Load(server.Port, 8, 23, inShards: true);
        load.More(300);
        Updated(server, program);
        load.More(300);
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        load.More(300);
        server.Follow();
        load.More(300);
        Agrees(server);
        HasAll(server, load);
    }

    /// <summary>It waits for its clients with a lock held; begun anew, it would wait for that lock for ever.</summary>
    [Fact]
    public void A_thread_that_holds_a_lock_as_it_waits_fails_the_update_by_name_and_the_server_goes_on()
    {
        string folder = Directory.CreateTempSubdirectory("mvedsua-holding-").FullName;
        RedisUnderMvedsua server = ServerOf(HoldingALock(folder, "holding"), threads: 2);
        string other = HoldingALock(server.Folder, "holding-too", Flags);
        Directory.Delete(folder, recursive: true); /* a running program needs no file */
        using var load = KvClient.Load(server.Port, 4, 24, inShards: true);
        load.More(200);
        Host.Result result = Update(server, other);
        Assert.True(result.Status == 76, result.Errors);
        Assert.Matches("not all threads of the new version came to where the old version's stand.*futex.*may have held it before", result.Errors);
        Assert.Equal("single-leader", Stage(server));
        load.More(200);
        HasAll(server, load);
    }

    private static string HoldingALock(string folder, string name, string flags = "-O2 -g -Wl,--emit-relocs") => KvVariant.Build(folder, name, flags,
        ("1.0/worker.h", "    bool ending;\n", "    bool ending;\n    pthread_mutex_t turn;\n"),
        ("1.0/worker.c", "        loop_turn(worker->loop, NULL);", "        pthread_mutex_lock(&worker->turn), loop_turn(worker->loop, NULL), pthread_mutex_unlock(&worker->turn);"));

    [Fact]
    public void A_thread_whose_function_is_gone_is_refused_and_goes_on_where_the_description_says()
    {
        RedisUnderMvedsua server = Server(threads: 2);
        string program = KvVariant.Build(server.Folder, "renamed", Flags, ("1.0/worker.c", "work(void *data)", "labour(void *data)"), ("1.0/worker.c", "NULL, work, worker", "NULL, labour, worker"));
        using var load = KvClient.Load(server.Port, 4, 25, inShards: true);
        load.ThinkTime = Thought;
        load.More(200);
        Host.Result result = Update(server, program);
        Assert.Equal(76, result.Status);
        Assert.Contains("began in work, which the new version does not have: say in the description where it goes on ('thread work restarts at G')", result.Errors);
        load.More(200);
        Updated(server, program, KvVariant.Resume + "thread work restarts at labour\n");
        load.More(200);
        Do(server, "promote");
        load.More(200);
        Do(server, "commit");
        HasAll(server, load);
    }

    /// <summary>Some have come to where their leader's stand, others are on the way.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_copy_that_dies_as_its_threads_arrive_fails_by_name_and_the_next_one_is_compared(int arrival)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Server("1.0", variant.Products, $"thread-arrived:{arrival}", threads: 4);
        string program = KvVariant.Build(server.Folder, "other-build", Flags);
        using var load = KvClient.Load(server.Port, 4, 26, inShards: true);
        load.More(200);
        Host.Result result = Update(server, program);
        Assert.True(result.Status == 76, result.Output + result.Errors);
        Assert.Equal("single-leader", Stage(server));
        load.More(200);
        Updated(server, program);
        load.More(200);
        Agrees(server);
        HasAll(server, load);
    }

    /// <summary>The copy waits to be made the new version, and the request for it was answered by nobody. What could break it: the coordinator waits for that
    /// answer, and nobody serves.</summary>
    [Theory]
    [InlineData("attach-copied")]
    [InlineData("attach-released")]
    public async Task A_leader_that_dies_before_it_says_that_it_has_made_the_copy_is_succeeded_by_the_new_version(string point)
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Server("1.0", variant.Products, point, threads: 4);
        string program = KvVariant.Build(server.Folder, "other-build", Flags);
        using var load = KvClient.Load(server.Port, 4, 28, inShards: true);
        load.More(200);
        int leader = server.LeaderPid;
        Task<Host.Result> update = Task.Run(() => Update(server, program));
        Host.Until(() => !Host.IsAlive(leader), "the leader dies");
        server.PromotedFrom(leader);
        load.More(200);
        Assert.Contains(program, (await update).Output);
        HasAll(server, load);
    }

    /// <summary>Nobody is left whom the copy is to be compared with: it finds that once all have arrived, and serves on.</summary>
    [Fact]
    public async Task A_leader_that_dies_as_the_threads_of_its_copy_arrive_is_succeeded_by_the_new_version()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Server("1.0", variant.Products, "nap:thread-arrived:2", threads: 4);
        string program = KvVariant.Build(server.Folder, "other-build", Flags);
        using var load = KvClient.Load(server.Port, 4, 27, inShards: true);
        load.More(200);
        int leader = server.LeaderPid;
        Task<Host.Result> update = Task.Run(() => Update(server, program));
        Host.Until(() => server.Log.Contains("is to be updated", StringComparison.Ordinal), "the copy is made");
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        load.More(200);
        Assert.Contains(program, (await update).Output);
        HasAll(server, load);
    }
}
