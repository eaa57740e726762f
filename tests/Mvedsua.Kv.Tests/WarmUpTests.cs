using System.Diagnostics;
using System.Text.RegularExpressions;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>`update --warm-up`: its outcome is how the new version did, whatever happens meanwhile, and clients notice nothing.</summary>
public sealed partial class WarmUpTests : UpdatedServers
{
    private const int Refused = 66, CoordinatorGone = 67, NewVersionEnded = 77, Overtaken = 78, NoWayBack = 79, FollowerBehind = 81;

    /// <summary>One in which everything else of a test happens.</summary>
    private const string Long = "60s";

    [Fact]
    public void A_version_that_agrees_follows_on_and_the_outcome_says_how_much_was_compared()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 6, 61);
        load.More(100);
        long begin = Stopwatch.GetTimestamp();
        Host.Result result = Update(server, KvPrograms.Of("1.0-crash"), KvVariant.Resume, "--warm-up", "700ms");
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.True(Stopwatch.GetElapsedTime(begin) > TimeSpan.FromMilliseconds(700));
        Assert.True(Compared().IsMatch(result.Output), result.Output);
        Assert.Equal(("outdated-leader", "monitoring"), (Stage(server), Step(server)));
        load.More(100);
        Agrees(server);
        HasAll(server, load);
    }

    [Theory]
    [InlineData("crash", "SIGSEGV")]
    [InlineData("byte", "diverged")]
    [InlineData("exit", "diverged")]
    public void A_version_that_breaks_is_the_outcome_with_its_reason_and_the_report(string fault, string why)
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        using var load = KvClient.Load(server.Port, 4, 62);
        using Updating update = Begin(server, $"1.0-{fault}", "--warm-up", Long);
        if (fault != "byte") update.Is("monitoring"); /* else it may be over at once: it breaks at any request */
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        for (int i = 0; i < 200 && !update.IsOver; i++) Assert.Equal("TTL never", line.Ask("TTL key"));
        Host.Result result = update.Outcome();
        Assert.Equal(NewVersionEnded, result.Status);
        Assert.Contains(why, result.Errors);
        string report = result.Errors[result.Errors.LastIndexOf('/')..].TrimEnd('.', '\n');
        Assert.True(File.Exists(Path.Combine(server.Folder, "mvedsua", RedisUnderMvedsua.Name, report[1..])), result.Errors);
        Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        Assert.Equal("OK", line.Ask("DEL key"));
        HasAll(server, load);
    }

    /// <summary>Nothing else would end it: no limit is set.</summary>
    [Fact]
    public void A_version_that_hangs_is_ended_though_there_is_no_lag_limit()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 2, 63);
        using Updating update = Begin(server, "1.0-hang", "--warm-up", "1s");
        update.Is("catching-up", "monitoring");
        using var line = new KvLine(server.Port);
        Assert.Equal("NONE", line.Ask("TTL key"));
        Host.Result result = update.Outcome();
        Assert.Equal(NewVersionEnded, result.Status);
        Assert.Contains("it hangs: it has replayed nothing for 10 s", result.Errors);
        Assert.Equal("single-leader", Stage(server));
        HasAll(server, load);
    }

    /// <summary>What could break it: with a rule for one or more writes, the follower looks ahead for the next one, which an idle leader never
    /// makes; it is behind for ever, and does not hang.</summary>
    [Fact]
    public void A_follower_that_waits_for_an_idle_leader_passes_its_warm_up()
    {
        RedisUnderMvedsua server = Idle();
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        string rules = Path.Combine(Host.Root, "rules/kv/1.0-1.1");
        using Updating update = new(server, KvPrograms.Of("1.1"), Path.Combine(rules, "update.description"), "--rules", rules, "--warm-up", "12s");
        update.Is("monitoring");
        Assert.Equal("VALUE value", line.Ask("GET key"));
        Host.Result result = update.Outcome();
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Equal("VALUE value", line.Ask("GET key"));
        Agrees(server);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_version_that_agrees_is_promoted_and_committed_if_that_is_asked_for(bool commits)
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        using var load = KvClient.Load(server.Port, 6, 64);
        load.More(100);
        string[] options = ["--warm-up", "500ms", "--auto-promote", .. commits ? new[] { "--auto-commit" } : []];
        Host.Result result = Update(server, KvVariant.BuildWithOtherEntries(server.Folder), KvVariant.Lengths, options);
        Assert.True(result.Status == 0, $"{result.Output}{result.Errors}\n{server.History}\n{server.Mvedsua("report", RedisUnderMvedsua.Name).Output}");
        Assert.Equal((commits ? "single-leader" : "updated-leader", commits ? 0 : old), (Stage(server), Pid(server, follower: true)));
        Assert.NotEqual(old, Pid(server));
        load.More(200);
        if (!commits) Do(server, "rollback");
        HasAll(server, load);
    }

    [Fact]
    public void A_version_that_does_not_come_as_it_is_offered_the_lead_follows_on_and_can_be_promoted_later()
    {
        RedisUnderMvedsua server = Idle();
        int old = Pid(server);
        using Updating update = Begin(server, "1.0-crash", "--warm-up", "2s", "--auto-promote", "--auto-commit");
        update.Is("monitoring");
        int other = Pid(server, follower: true);
        server.InStep();
        Host.Kill(other, Host.SIGSTOP);
        Host.Result result = update.Outcome();
        Assert.Equal(FollowerBehind, result.Status);
        Assert.Contains($"The warm-up is over and {other} follows, but it could not be promoted", result.Errors);
        Host.Kill(other, Host.SIGCONT);
        server.InStep();
        Assert.Equal((old, other), (Pid(server), Pid(server, follower: true)));
        Do(server, "promote");
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        server.InStep();
        Assert.Equal((other, old), (Pid(server), Pid(server, follower: true)));
    }

    /// <summary>No command of 1.0 adds to a number.</summary>
    [Fact]
    public void An_old_version_that_differs_after_the_promotion_leaves_no_way_back_and_that_is_told()
    {
        RedisUnderMvedsua server = Server("1.0");
        int old = Pid(server);
        using var line = new KvLine(server.Port);
        using Updating update = Begin(server, "1.0", "2.0", "--warm-up", "5s", "--auto-promote", "--auto-commit");
        update.Is("promoted");
        Assert.Equal("OK", line.Ask("PUT-number n 12"));
        Assert.Equal("NUMBER 20", line.Ask("ADD n 8"));
        Host.Result result = update.Outcome();
        Assert.Equal(NoWayBack, result.Status);
        Assert.Contains("there is no way back", result.Errors);
        Assert.Contains("report-", result.Errors);
        Assert.Contains("there is no way back", server.History);
        Assert.NotEqual(old, Pid(server));
        Assert.Equal(("single-leader", 0), (Stage(server), Pid(server, follower: true)));
        Assert.Equal("NUMBER 21", line.Ask("ADD n 1"));
    }

    [Theory]
    [InlineData("monitoring", Overtaken)]
    [InlineData("promoted", NewVersionEnded)]
    public void The_death_of_the_leader_is_the_outcome_and_the_other_version_serves_alone(string step, int status)
    {
        for (int round = 0; round < 2 * Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Server();
            using var load = KvClient.Load(server.Port, 6, 65 + round);
            using Updating update = Begin(server, "1.0-crash", "--warm-up", step == "promoted" ? "5s" : Long, "--auto-promote", "--auto-commit");
            update.Is(step);
            load.More(100);
            int leader = Pid(server), other = Pid(server, follower: true);
            Host.Kill(leader, Host.SIGKILL);
            Host.Result result = update.Outcome();
            Assert.Equal(status, result.Status);
            Assert.Contains($"{other}", result.Errors);
            Assert.Equal(("single-leader", other, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
            HasAll(server, load);
        }
    }

    [Theory]
    [InlineData("promote", "updated-leader")]
    [InlineData("rollback", "single-leader")]
    [InlineData("unfollow", "single-leader")]
    public void What_the_operator_does_in_the_warm_up_comes_first(string verb, string stage)
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 4, 66);
        using Updating update = Begin(server, "1.0-crash", "--warm-up", "5s", "--auto-promote", "--auto-commit");
        update.Is("monitoring");
        Do(server, verb);
        Host.Result result = update.Outcome();
        Assert.Equal(Overtaken, result.Status);
        Assert.Contains($"mvedsua {verb} {RedisUnderMvedsua.Name}' came first", result.Errors);
        Thread.Sleep(6000); /* what the plan would have done by now is not done */
        Assert.Equal(stage, Stage(server));
        HasAll(server, load);
    }

    [Theory]
    [InlineData("commit", "single-leader", true)]
    [InlineData("rollback", "single-leader", false)]
    [InlineData("promote", "outdated-leader", false)]
    public void What_the_operator_does_after_the_promotion_comes_first(string verb, string stage, bool newLeads)
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        using var load = KvClient.Load(server.Port, 4, 67);
        using Updating update = Begin(server, "1.0-crash", "--warm-up", "5s", "--auto-promote", "--auto-commit");
        update.Is("promoted");
        Do(server, verb);
        Assert.Equal(Overtaken, update.Outcome().Status);
        Thread.Sleep(6000);
        Assert.Equal((stage, newLeads), (Stage(server), Pid(server) != old));
        HasAll(server, load);
    }

    [Fact]
    public void A_second_update_and_a_commit_too_early_are_refused_and_the_warm_up_goes_on()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 4, 68);
        using Updating update = Begin(server, "1.0-crash", "--warm-up", "8s");
        update.Is("monitoring");
        Host.Result second = Update(server, KvPrograms.Of("1.0-byte")), commit = server.Mvedsua("commit", RedisUnderMvedsua.Name);
        Assert.Equal((Refused, Refused), (second.Status, commit.Status));
        Assert.Contains("Another update is being carried out", second.Errors);
        Assert.Contains("The old version leads", commit.Errors);
        Assert.Equal(0, update.Outcome().Status);
        second = Update(server, KvPrograms.Of("1.0-byte"));
        Assert.Equal(Refused, second.Status);
        Assert.Contains("A new version follows already", second.Errors);
        Do(server, "promote");
        second = Update(server, KvPrograms.Of("1.0-byte"));
        Assert.Equal(Refused, second.Status);
        Assert.Contains("The last update is not committed", second.Errors);
        Do(server, "commit");
        HasAll(server, load);
    }

    /// <summary>Orders go with who gave them: nobody would hear how it went.</summary>
    [Theory]
    [InlineData("monitoring", "outdated-leader")]
    [InlineData("promoted", "updated-leader")]
    public void A_client_that_is_interrupted_leaves_things_as_they_stand(string step, string stage)
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 4, 69);
        using Updating update = Begin(server, "1.0-crash", "--warm-up", "5s", "--auto-promote", "--auto-commit");
        update.Is(step);
        update.Interrupt();
        Host.Until(() => server.History.Contains("whoever asked for the update has hung up; nothing more is done by itself"), "its end is noticed");
        Thread.Sleep(6000);
        Assert.Equal(stage, Stage(server));
        Agrees(server);
        Do(server, "rollback");
        HasAll(server, load);
    }

    [Theory]
    [InlineData("monitoring", "outdated-leader", "catching-up", "monitoring")]
    [InlineData("promoted", "updated-leader", "promoted", "promoted")]
    public void A_new_coordinator_claims_nothing_of_the_warm_up_in_which_the_last_one_died(string step, string stage, string found, string later)
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 4, 70);
        using Updating update = Begin(server, "1.0-crash", "--warm-up", "5s", "--auto-promote", "--auto-commit");
        update.Is(step);
        Host.Kill(server.CoordinatorPid, Host.SIGKILL);
        Host.Result result = update.Outcome();
        Assert.Equal(CoordinatorGone, result.Status);
        Assert.Contains("before the update's outcome was known", result.Errors);
        Assert.Equal(stage, Stage(server));
        Assert.Contains("what came of it is not known, and nothing more is done by itself", server.History);
        Host.Until(() => Step(server) is var now && (now == later || now != found), "it has caught up");
        Assert.Equal(later, Step(server));
        Thread.Sleep(6000);
        Assert.Equal(stage, Stage(server));
        Agrees(server);
        Do(server, "rollback");
        HasAll(server, load);
        Host.Kill(Pid(server), Host.SIGKILL);
    }

    [GeneratedRegex(@"is compared with the leader.*has caught up; its warm-up of 700 ms begins.*has done all that the leader did in 700 ms \([1-9]\d+ events\)", RegexOptions.Singleline)]
    private static partial Regex Compared();

    private static Updating Begin(RedisUnderMvedsua server, string program, params string[] options)
    {
        if (options[0] is "2.0")
        {
            string rules = Path.Combine(Host.Root, "rules/kv", $"{program}-{options[0]}");
            return new Updating(server, KvPrograms.Of(options[0]), Path.Combine(rules, "update.description"), [.. options[1..], "--rules", rules]);
        }
        string file = Path.Combine(server.Folder, "update.description");
        File.WriteAllText(file, KvVariant.Resume);
        return new Updating(server, KvPrograms.Of(program), file, options);
    }
}
