using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>The sample server is updated while clients that know every answer are served. Its other versions make the same calls.</summary>
public sealed class UpdateTests : UpdatedServers
{
    [Theory]
    [InlineData("-O1 -g -Wl,--emit-relocs")]
    [InlineData("-O3 -g -Wl,--emit-relocs -fno-inline")]
    public void Another_build_takes_over_and_no_client_notices(string flags)
    {
        RedisUnderMvedsua server = Server();
        string program = KvVariant.Build(server.Folder, "other-build", flags);
        using var load = KvClient.Load(server.Port, 8, 1);
        load.More(500);
        Updated(server, program);
        Agrees(server);
        Assert.Equal("outdated-leader", Stage(server));
        load.More(500);
        int old = Pid(server), updated = Pid(server, follower: true);
        Do(server, "promote");
        Assert.Equal(("updated-leader", updated, old), (Stage(server), Pid(server), Pid(server, follower: true)));
        load.More(500);
        Do(server, "commit");
        Assert.Equal(("single-leader", updated, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        load.More(500);
        HasAll(server, load);
    }

    [Fact]
    public void Every_entry_of_another_type_is_converted_and_no_client_notices()
    {
        RedisUnderMvedsua server = Server();
        string program = KvVariant.BuildWithOtherEntries(server.Folder);
        using var load = KvClient.Load(server.Port, 8, 2);
        load.More(1000);
        Updated(server, program, KvVariant.Lengths);
        load.More(1000);
        Do(server, "promote");
        load.More(1000);
        Do(server, "commit");
        load.More(500);
        HasAll(server, load);
    }

    /// <summary>An updated server is the old version of the next update.</summary>
    [Fact]
    public void Updates_follow_each_other()
    {
        RedisUnderMvedsua server = Server();
        string[] programs = [KvVariant.Build(server.Folder, "second", "-O1 -g -Wl,--emit-relocs"), KvVariant.BuildWithOtherEntries(server.Folder)];
        using var load = KvClient.Load(server.Port, 6, 3);
        foreach (string program in programs)
        {
            load.More(400);
            Updated(server, program, KvVariant.Lengths);
            load.More(400);
            Do(server, "promote");
            load.More(400);
            Do(server, "commit");
        }
        load.More(400);
        HasAll(server, load);
    }

    /// <summary>In which function the main loop waits, and with what, is found, with threads, too, and after an update.</summary>
    [Theory]
    [InlineData("-O1 -g -Wl,--emit-relocs")]
    [InlineData("-O2 -g -Wl,--emit-relocs")]
    public void Where_the_new_version_goes_on_has_not_to_be_told(string flags)
    {
        RedisUnderMvedsua server = Server(threads: 2);
        string[] programs = [KvVariant.Build(server.Folder, "second", flags), KvVariant.Build(server.Folder, "third", flags + " -fno-inline")];
        using var load = KvClient.Load(server.Port, 6, 7, inShards: true);
        load.ThinkTime = TimeSpan.FromMilliseconds(2); /* the follower is to come near enough for a promotion */
        foreach (string program in programs)
        {
            load.More(400);
            Assert.Matches(@"(?m)^goes on in serve\(server=0x[0-9a-f]+\), the function below main", Do(server, "update", "--to", program));
            load.More(400);
            Agrees(server);
            Do(server, "promote");
            load.More(400);
            Do(server, "commit");
        }
        load.More(400);
        HasAll(server, load);
    }

    /// <summary>The loop needs its parameter no longer: main's call says what it was, or the update that has begun the loop.</summary>
    [Fact]
    public void What_the_main_loop_was_called_with_is_known_when_its_code_has_forgotten_it()
    {
        const string flags = "-O2 -g -Wl,--emit-relocs";
        RedisUnderMvedsua server = Server();
        (string, string, string) forgets = ("1.0/server.c", "    while (!signals_end_asked()) {\n        loop_turn(server->loop,", "    struct loop *loop = server->loop;\n    while (!signals_end_asked()) {\n        loop_turn(loop,");
        string[] programs = [KvVariant.Build(server.Folder, "second", flags, forgets), KvVariant.Build(server.Folder, "third", flags + " -fno-inline", forgets), KvPrograms.Of("1.0")];
        string? called = null;
        foreach (string program in programs)
        {
            string now = Do(server, "update", "--to", program).Split("goes on in ")[1].Split(',')[0];
            Assert.Equal(called ??= now, now);
            Agrees(server);
            Do(server, "promote");
            Do(server, "commit");
        }
        Assert.Matches(@"^serve\(server=0x[0-9a-f]+\)$", called);
        using var line = new KvLine(server.Port);
        Assert.Equal("COUNT 0", line.Ask("COUNT"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_rollback_leaves_the_old_version_alone_whoever_leads(bool promoted)
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        string program = KvVariant.BuildWithOtherEntries(server.Folder);
        using var load = KvClient.Load(server.Port, 6, 4);
        load.More(300);
        for (int i = 0; i < 3 * Host.Rounds; i++)
        {
            Updated(server, program, KvVariant.Lengths);
            load.More(300);
            if (promoted) Do(server, "promote");
            load.More(300);
            Do(server, "rollback");
            Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        }
        load.More(300);
        HasAll(server, load);
    }

    /// <summary>The command at which it breaks comes from a client; the others never notice.</summary>
    [Theory]
    [InlineData("crash")]
    [InlineData("exit")]
    [InlineData("byte")]
    [InlineData("file")]
    [InlineData("refused")]
    [InlineData("overflow")]
    [InlineData("heap")]
    public void A_broken_version_vanishes_at_its_first_wrong_step(string fault)
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        using var load = KvClient.Load(server.Port, 6, 5);
        load.More(300);
        Host.Result result = Update(server, KvPrograms.Of($"1.0-{fault}"));
        /* One that breaks at any request (or at the hundredth) may have ended before the command has. */
        Assert.True(result.Status == 0 || (fault is "file" or "byte" && result.Status == 76 && result.Errors.Contains("ended at once")), $"{result.Output}{result.Errors}");
        load.More(100);
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        for (int i = 0; i < 200 && Pid(server, follower: true) != 0; i++) Assert.Equal("TTL never", line.Ask("TTL key"));
        server.FollowerEnded();
        load.More(300);
        Assert.Equal(("single-leader", old), (Stage(server), Pid(server)));
        Assert.Equal("OK", line.Ask("DEL key"));
        HasAll(server, load);
    }

    /// <summary>Its code is in no mapping that the kernel names.</summary>
    [Theory]
    [InlineData("crash", "(where the signal hit:)", "command_run+0x", "in kv-1.0-crash (crash.c:")]
    [InlineData("refused", "command_run+0x", "in kv-1.0-refused (refused.c:")]
    [InlineData("byte", "connection_ready+0x", "in kv-1.0-byte (connection.c:", "The follower runs another version")]
    public void The_report_of_a_broken_version_names_its_functions_and_source_lines(string fault, params string[] told)
    {
        RedisUnderMvedsua server = Server();
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        Updated(server, KvPrograms.Of($"1.0-{fault}"));
        for (int i = 0; i < 200 && Pid(server, follower: true) != 0; i++) Assert.Equal("TTL never", line.Ask("TTL key"));
        server.FollowerEnded();
        string report = "";
        Host.Until(() => (report = server.Mvedsua("report", RedisUnderMvedsua.Name).Output).Contains("follower", StringComparison.Ordinal), "there is a report");
        foreach (string text in told) Assert.True(report.Contains(text, StringComparison.Ordinal), $"'{text}' is missing:\n{report}");
    }

    [Fact]
    public void A_version_that_hangs_is_ended_by_the_lag_limit()
    {
        RedisUnderMvedsua server = Server(0, "--lag-limit", "500ms");
        using var load = KvClient.Load(server.Port, 4, 6);
        Updated(server, KvPrograms.Of("1.0-hang"));
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        for (int i = 0; i < 200 && Pid(server, follower: true) != 0; i++) Assert.Equal("TTL never", line.Ask("TTL key"));
        Assert.Contains("it fell behind further than the lag limit allows", server.FollowerEnded());
        load.More(300);
        Assert.Equal("OK", line.Ask("DEL key"));
        HasAll(server, load);
    }

    /// <summary>What could break it: the coordinator waits for every child, so also for the compiler, whose end then nobody else is told.</summary>
    [Fact]
    public void Converters_that_do_not_compile_are_refused_every_time()
    {
        RedisUnderMvedsua server = Server();
        File.WriteAllText(Path.Combine(server.Folder, "wrong.c"), "no C\n");
        for (int i = 0; i < 12; i++)
        {
            Host.Result result = Update(server, KvPrograms.Of("1.0"), KvVariant.Resume + "converters \"wrong.c\"\nconvert struct entry by converted\n");
            Assert.Equal(75, result.Status);
            Assert.Contains("the converters can't be compiled", result.Errors);
            Assert.Contains("no C", result.Errors);
        }
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
    }

    /// <summary>Either version may die, by SIGKILL, before and after the promotion: the other one serves on.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Whichever_version_is_killed_the_other_one_serves_on(bool promoted, bool killsLeader)
    {
        RedisUnderMvedsua server = Server();
        string program = KvVariant.BuildWithOtherEntries(server.Folder);
        using var load = KvClient.Load(server.Port, 6, 7);
        load.More(300);
        Updated(server, program, KvVariant.Lengths);
        if (promoted) Do(server, "promote");
        load.More(300);
        Agrees(server);
        int killed = Pid(server, follower: !killsLeader), other = Pid(server, follower: killsLeader);
        Host.Kill(killed, Host.SIGKILL);
        Host.Until(() => !Host.IsAlive(killed) && Pid(server) == other, "the other one leads");
        load.More(300);
        server.Follow(); /* a copy of the version that is left */
        load.More(100);
        Assert.Equal("single-leader", Stage(server));
        HasAll(server, load);
        server.InStep();
    }

    [Fact]
    public void A_coordinator_that_is_killed_leaves_both_versions_and_the_next_one_knows_them()
    {
        RedisUnderMvedsua server = Server();
        string program = KvVariant.BuildWithOtherEntries(server.Folder);
        using var load = KvClient.Load(server.Port, 6, 8);
        Updated(server, program, KvVariant.Lengths);
        Host.Kill(server.CoordinatorPid, Host.SIGKILL);
        load.More(300);
        Assert.Equal("outdated-leader", Stage(server));
        Do(server, "promote");
        Assert.Equal("updated-leader", Stage(server));
        load.More(300);
        Do(server, "commit");
        Updated(server, KvVariant.Build(server.Folder, "third", "-O1 -g -Wl,--emit-relocs", ("1.0/table.h", "    struct entry *newer, *older;",
            "    uint64_t hits;\n    struct entry *older;\n    int64_t more;\n    struct entry *newer;")));
        load.More(300);
        Do(server, "rollback");
        HasAll(server, load);
        int leader = Pid(server);
        Host.Kill(leader, Host.SIGKILL);
        Host.Until(() => !Host.IsAlive(leader), "the server is gone");
    }

    /// <summary>What could break it: a function of the update's that never comes back looks at nothing.</summary>
    [Fact]
    public async Task A_copy_whose_coordinator_is_killed_in_the_middle_of_its_update_is_ended_by_the_next_one()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 4, 9);
        load.More(100);
        Task update = Task.Run(() => server.Mvedsua("update", RedisUnderMvedsua.Name, "--to", KvPrograms.Of("2.0"), "--description", KvPrograms.Description("entry_hangs")));
        Host.Until(() => Pid(server, follower: true) != 0, "the copy is there");
        int copy = Pid(server, follower: true);
        Host.Kill(server.CoordinatorPid, Host.SIGKILL);
        await update;
        server.Status(); /* the next coordinator comes with the first command */
        Host.Until(() => !Host.IsAlive(copy), "the copy is gone");
        Assert.Empty(Directory.GetDirectories(server.Folder, "mvedsua-convert-*")); /* nor are the compiled converters left */
        load.More(100);
        HasAll(server, load);
        Host.Kill(Pid(server), Host.SIGKILL);
    }

    [Fact]
    public void What_cannot_be_updated_is_refused_by_name_and_the_server_is_untouched()
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        string text = Path.Combine(server.Folder, "text");
        File.WriteAllText(text, "no program");
        (string Program, string Description, string Why)[] refused =
        [
            (text, KvVariant.Resume, "not an ELF file"),
            (Path.Combine(server.Folder, "missing"), KvVariant.Resume, "missing"),
            (KvVariant.Build(server.Folder, "no-relocations", "-O2 -g"), KvVariant.Resume, "-Wl,--emit-relocs"),
            (KvVariant.Build(server.Folder, "no-types", "-O2 -Wl,--emit-relocs"), KvVariant.Resume, "-g"),
            (KvPrograms.Of("1.0"), KvVariant.Resume, "is the version that runs already"),
            (KvPrograms.Of("1.0-crash"), "resume server_loop(&server)\n", "server_loop"),
            (KvPrograms.Of("1.0-crash"), "update at point served\n", "resume serve(&server)"),
            (KvPrograms.Of("1.0-crash"), "resume serve(&server\n", "update.description:1:"),
            (KvVariant.Build(server.Folder, "constructor", changes: ("1.0/server.c", "const char server_version[]", "static volatile int begun;\n__attribute__((constructor)) static void begin_early(void) { begun = 1; }\nconst char server_version[]")), KvVariant.Resume, "has a constructor that the old version has not, which would not be run: begin_early (server.c)"),
            (KvVariant.Build(server.Folder, "thread-local", changes: ("1.0/server.c", "const char server_version[]", "_Thread_local int counter = 1;\nconst char server_version[]")), KvVariant.Resume, "thread-local"),
        ];
        foreach ((string program, string description, string why) in refused)
        {
            Host.Result result = Update(server, program, description);
            Assert.True(result.Status == 75 && result.Errors.Contains(why), $"{program}: {result.Status} {result.Output}{result.Errors}");
        }
        Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        Assert.Equal("", server.History);
        using var load = KvClient.Load(server.Port, 2, 9);
        load.More(50);
        HasAll(server, load);
    }

    /// <summary>What only the heap shows ends the copy.</summary>
    [Fact]
    public void An_object_of_which_nothing_is_known_ends_the_copy_and_is_named()
    {
        RedisUnderMvedsua server = Server();
        string program = KvVariant.Build(server.Folder, "other-connections", changes: ("1.0/connection.h", "    uint64_t number;\n    union address peer;", "    union address peer;\n    uint64_t number, more[4];"));
        using var load = KvClient.Load(server.Port, 3, 10);
        load.More(50);
        Host.Result result = Update(server, program, KvVariant.Lengths);
        Assert.Equal(76, result.Status);
        Assert.Contains("struct watch.data: nothing is known of this pointer, and it points to a struct connection, which has changed", result.Errors);
        Assert.Equal("single-leader", Stage(server));
        load.More(50);
        HasAll(server, load);
    }
}
