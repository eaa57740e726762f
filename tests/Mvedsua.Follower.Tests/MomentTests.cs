namespace Mvedsua.Follower.Tests;

/// <summary>Deaths at one given moment, that chance would find once in a million kills: tests/native/follower/moments.c.</summary>
public sealed class MomentTests : MomentServers
{
    [Fact]
    public void A_lock_taken_but_not_published_holds_up_nobody_after_a_kill()
    {
        RedisUnderMvedsua server = StartMoments();
        using var one = new Line(server);
        using var other = new Line(server);
        Assert.Equal("ok", one.Ask("read"));
        Assert.Equal("ok", other.Ask("read"));
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, "mv_leader_publish_order");
        one.Say("read");
        stopped.Reached();
        Assert.Equal("ok", other.Ask("read")); /* the next turn of the same clock */
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("ok", one.Answer());
        Assert.Equal("ok", other.Ask("read"));
        Assert.Equal("ok", one.Ask("read"));
    }

    [Theory]
    [InlineData("file", "mv_leader_publish if row->name[4] == 'f'", "0123456789")] /* sendfile */
    [InlineData("copy", "mv_leader_complete if call == 1", "by a duplicate")] /* write to a descriptor that was duplicated */
    [InlineData("copy", "mv_interruptible_check if $rax == 1", "by a duplicate")] /* … before it is made */
    public void An_answer_that_a_kill_cut_short_is_sent_once(string command, string place, string answer)
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal(answer, line.Ask(command));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, place);
        line.Say(command);
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal(answer, line.Answer());
        Assert.Equal("ok", line.Ask("read")); /* and not the same again */
        Assert.DoesNotContain("can't be settled", server.Log);
    }

    /// <summary>The connection is another process's, too, so its counters tell nothing; and the offset stands in the dead leader's memory.</summary>
    [Fact]
    public void An_answer_of_which_nothing_tells_is_not_sent_twice_but_its_connection_shut_down()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        using var other = new Line(server);
        Assert.Equal("ok", line.Ask("fork"));
        Assert.Equal("0123456789", line.Ask("file"));
        server.InStep();
        int leader = server.LeaderPid, keeper = server.KeeperPid;
        using var stopped = new StoppedThread(leader, "mv_leader_publish if row->name[4] == 'f'");
        line.Say("file");
        stopped.Reached();
        Host.Kill(keeper, Host.SIGKILL);
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("0123456789", line.Answer());
        Assert.Null(line.Answer());
        Assert.Contains("is shut down: the dead leader's last call on it can't be settled", server.Log);
        Assert.Equal("ok", other.Ask("read"));
    }

    [Fact]
    public void A_thread_does_nothing_before_the_follower_can_know_of_it()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal("1", line.Ask("thread"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, "mv_leader_after_raw");
        line.Say("thread");
        stopped.Reached(); /* the new thread runs, and would answer */
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("2", line.Answer());
        Assert.Equal("3", line.Ask("thread"));
    }

    /* The copy is made, and no thread of the leader has linked its death word yet. (Not under a debugger: the copy would have its
     * breakpoints, and come to one as it makes a follower of its own.) */
    [Fact]
    public async Task A_leader_that_dies_while_it_attaches_a_follower_is_succeeded_by_it()
    {
        using Variant variant = Variant.WithFaults();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: OwnServer.Command("moments"), prepare: OwnServer.Compile("moments"),
            products: variant.Products, faults: "stop:attach-copied");
        server.Answers();
        using var line = new Line(server);
        using var other = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        Assert.Equal("ok", other.Ask("read"));
        int leader = server.LeaderPid;
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        Host.Until(() => server.Log.Contains("stops at attach-copied, passage 1: now"), "the leader stands still");
        other.Say("read"); /* asked in the pause */
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Equal("ok", other.Answer());
        Assert.Equal("ok", line.Ask("read"));
        Assert.Equal(0, (await follow).Status); /* by whoever leads now */
        server.InStep();
    }

    /* On a busy machine a keeper may come to the processor when its leader's death is long history, and the same log is another
     * leader's. */
    [Fact]
    public void A_keeper_that_slept_through_two_generations_tells_no_living_leader_dead()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        int first = server.LeaderPid;
        using var keeper = new StoppedThread(server.KeeperPid, "tell_the_leaders_death");
        using (var heir = new StoppedThread(server.FollowerPid, "promote"))
        {
            Host.Kill(first, Host.SIGKILL);
            heir.Reached();
            keeper.Reached();
        }

        int second = server.PromotedFrom(first);
        server.Follow();
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        Host.Kill(second, Host.SIGKILL);
        int third = server.PromotedFrom(second);
        server.Follow();
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        keeper.Dispose(); /* it tells of its leader's death now */
        for (int i = 0; i < 20; i++) Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        Assert.Equal(third, server.LeaderPid);
    }

    [Fact]
    public void A_new_thread_is_not_taken_for_the_one_that_died_in_its_place_two_generations_ago()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        using (var other = new Line(server)) /* its thread dies with the first leader */
        {
            Assert.Equal("ok", other.Ask("read"));
            server.InStep();
            int first = server.LeaderPid;
            Host.Kill(first, Host.SIGKILL);
            server.PromotedFrom(first);
        }
        server.Follow();
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        int second = server.LeaderPid;
        Host.Kill(second, Host.SIGKILL);
        int third = server.PromotedFrom(second);
        server.Follow();
        using var stopped = new StoppedThread(third, "mv_role_thread_begin"); /* it has told nobody yet that it lives */
        using var late = new Line(server);
        late.Say("read");
        stopped.Reached();
        server.InStep();
        Assert.StartsWith("stage 3 ", server.Control()); /* followed, not failover */
        stopped.Kill(third);
        server.PromotedFrom(third);
        Assert.Equal("ok", late.Answer());
        Assert.Equal("ok", line.Ask("read"));
    }

    [Theory]
    [InlineData("mv_interruptible_check if $rax == 1 && $rdi == 2")]
    [InlineData("mv_leader_complete if call == 1 && args[0] == 2")]
    public void A_line_that_a_kill_cut_short_is_logged_once_whoever_else_writes_to_the_file(string place)
    {
        RedisUnderMvedsua server = StartMoments(); /* both standard streams and the coordinator's are one open file */
        using var line = new Line(server);
        for (int i = 0; i < 10; i++) Assert.Equal("ok", line.Ask($"out {i}"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, place);
        line.Say("err or: this one");
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("ok", line.Answer());
        Assert.Equal(2, server.Log.Split("err or: this one").Length);
    }

    [Fact]
    public async Task What_a_dead_leader_wrote_is_not_written_again_under_the_next_follower()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        int leader = server.LeaderPid;
        using var behind = new StoppedThread(server.FollowerPid, "write");
        using var stopped = new StoppedThread(leader, "mv_leader_complete if call == 1");
        line.Say("read");
        behind.Reached(); /* in the program's own code, before its call */
        stopped.Reached(); /* the answer is out, its record is not */
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        behind.GoesOnTo("settle_in_handler"); /* it knows that it leads */
        Task<Host.Result> follow = Task.Run(() => server.Mvedsua("follow", RedisUnderMvedsua.Name));
        Host.Until(() => server.Control().StartsWith("stage 2 ", StringComparison.Ordinal), "the threads are being parked");
        behind.Dispose(); /* straight into the park */
        Assert.Equal(0, (await follow).Status);
        Assert.Equal("ok", line.Answer());
        Assert.Equal("0", line.Ask("alarms")); /* and not "ok" once more */
        server.InStep();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Descriptors_lent_to_a_follower_come_back_when_it_dies_or_leads(bool leads)
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("map"));
        server.InStep();
        int leader = server.LeaderPid, follower = server.FollowerPid, before = Directory.GetFiles($"/proc/{leader}/fd").Length;
        Host.Kill(follower, Host.SIGSTOP);
        for (int i = 0; i < 20; i++) Assert.Equal("ok", line.Ask("map"));
        if (leads)
        {
            Host.Kill(leader, Host.SIGKILL);
            Host.Kill(follower, Host.SIGCONT);
            leader = server.PromotedFrom(leader);
        }
        else
        {
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
        }
        Assert.Equal("ok", line.Ask("read"));
        Assert.InRange(Directory.GetFiles($"/proc/{leader}/fd").Length, 1, before);
    }

    [Fact]
    public void A_descriptor_lent_to_a_follower_can_not_be_closed_by_the_program()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Host.Kill(server.FollowerPid, Host.SIGSTOP);
        Assert.Equal("ok", line.Ask("map"));
        Assert.Equal("ok", line.Ask("close 512"));
        Host.Kill(server.FollowerPid, Host.SIGCONT);
        server.InStep();
        for (int i = 0; i < 2000; i++) Assert.Equal("ok", line.Ask("map")); /* more than can be lent at once */
        server.InStep();
    }

    [Fact]
    public void A_thread_that_takes_the_place_of_one_just_ending_keeps_it()
    {
        RedisUnderMvedsua server = StartMoments();
        using var first = new Line(server);
        Assert.Equal("ok", first.Ask("read"));
        server.InStep();
        int leader = server.LeaderPid;
        using var ending = new StoppedThread(server.FollowerPid, "mv_slot_give");
        using (var line = new Line(server)) Assert.Equal("ok", line.Ask("read"));
        ending.Reached(); /* its exit is replayed, so the leader may give its place away */
        using var second = new Line(server);
        Assert.Equal("ok", second.Ask("read"));
        server.InStep();
        ending.GoesOnTo("mv_area_leave");
        ending.Dispose();
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        using var third = new Line(server);
        Assert.Equal("ok", third.Ask("read"));
        server.Follow();
        for (int i = 0; i < 50; i++)
            foreach (Line line in (Line[])[first, second, third]) Assert.Equal("ok", line.Ask("read"));
        server.InStep();
    }

    [Theory]
    [InlineData("two barrier")]
    [InlineData("two semaphores")]
    [InlineData("two writers")]
    public void Threads_that_wait_for_each_other_on_a_clock_stay_in_step(string command)
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        for (int i = 0; i < 300; i++)
        {
            if (i % 50 == 0) server.InStep(); /* threads that ended unread count among the 128 */
            int[] two = [.. line.Ask(command)!.Split(' ').Select(int.Parse)];
            Assert.Equal(command == "two barrier" ? 1 : 4 * i + 3, two[0] + two[1]);
        }
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.NotNull(line.Ask(command));
    }

    [Fact]
    public void A_thread_that_goes_on_where_its_leader_ends_is_a_divergence_at_once()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        using var other = new Line(server);
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        Host.Result gdb = Host.Run(server.Folder, "gdb", "-q", "-nx", "-batch", "-p", $"{server.FollowerPid}", "-ex", "set *(int *)&stays = 1");
        Assert.Equal(0, gdb.Status);
        line.Say("leave");
        Host.Until(() => server.FollowerPid == 0, "the follower has ended");
        Assert.Contains("diverged", server.History);
        Assert.Equal("ok", other.Ask("read"));
    }

    [Fact]
    public void A_close_that_a_kill_cut_short_closes_nobody_elses_connection()
    {
        RedisUnderMvedsua server = StartMoments();
        var first = new Line(server);
        using var second = new Line(server);
        Assert.Equal("ok", first.Ask("read"));
        Assert.Equal("ok", second.Ask("read"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, "mv_leader_complete if call == 3");
        first.Dispose();
        stopped.Reached();
        using var third = new Line(server); /* its number was kept by the accept that waited */
        using var fourth = new Line(server); /* this one has the first one's */
        Assert.Equal("ok", third.Ask("read"));
        Assert.Equal("ok", fourth.Ask("read"));
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        for (int i = 0; i < 3; i++)
            foreach (Line line in (Line[])[second, third, fourth]) Assert.Equal("ok", line.Ask("read"));
    }

    [Fact]
    public void A_full_queue_of_signals_makes_no_kick_deadly()
    {
        RedisUnderMvedsua server = StartMoments(RedisUnderMvedsua.Mode.Solo);
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("no queue"));
        server.Follow();
        Assert.Equal("ok", line.Ask("read"));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Equal("ok", line.Ask("read"));
        server.Follow();
        Assert.Equal("ok", line.Ask("read"));
    }

    [Fact]
    public void An_alarm_that_rang_before_a_failover_does_not_ring_again()
    {
        RedisUnderMvedsua server = StartMoments();
        using var line = new Line(server);
        Assert.Equal("ok", line.Ask("alarm"));
        Host.Until(() => line.Ask("alarms") == "1", "the alarm rings");
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        for (int i = 0; i < 200; i++) Assert.Equal("1", line.Ask("alarms")); /* a timer that is set again rings at once */
        Assert.Equal("ok", line.Ask("alarm"));
        leader = server.LeaderPid;
        server.Follow();
        Host.Kill(leader, Host.SIGKILL); /* one that has not rung is made again */
        server.PromotedFrom(leader);
        Host.Until(() => line.Ask("alarms") == "2", "the alarm rings after the failover");
    }

    private RedisUnderMvedsua StartMoments(RedisUnderMvedsua.Mode mode = RedisUnderMvedsua.Mode.Followed) => StartServer("moments", mode);
}
