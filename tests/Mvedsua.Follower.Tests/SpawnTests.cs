namespace Mvedsua.Follower.Tests;

/// <summary>Programs that a server starts by vfork: tests/native/follower/spawns.c.</summary>
public sealed class SpawnTests : ServerTests
{
    /// <summary>What posix_spawn answers, the exit status, and errno: also of a program, or of a file for it, that is not there.</summary>
    [Fact]
    public void A_program_that_can_not_be_started_is_told_the_same_natively_solo_followed_and_after_a_failover()
    {
        List<string> Told(RedisUnderMvedsua.Mode mode)
        {
            RedisUnderMvedsua server = Start(mode, server: OwnServer.Command("spawns"), prepare: OwnServer.Compile("spawns"));
            server.Answers();
            using var client = new Line(server);
            List<string> told = [];
            for (int generation = 0; generation < 3; generation++)
            {
                for (int i = 0; i < 5; i++)
                    foreach (string program in (string[])["true", "no-such-program", "false", "spawns.c", "from /nonexistent", "from /dev/null"]) told.Add(client.Ask(program)!);
                if (mode != RedisUnderMvedsua.Mode.Followed) continue;
                server.InStep();
                int leader = server.LeaderPid;
                Host.Kill(leader, Host.SIGKILL);
                server.PromotedFrom(leader);
                server.Follow();
            }
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native);
        Assert.Equal(["0 0 0", "2 -1 2", "0 1 0"], native.Take(3).Select(t => t.EndsWith(" 2", StringComparison.Ordinal) && t[0] == '0' ? t[..^1] + "0" : t));
        Assert.StartsWith("2 -1", native[4]);
        Assert.StartsWith("0 0", native[5]);
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed));
    }

    [Fact]
    public void A_child_of_vfork_whose_exec_fails_ends_the_follower_by_name_and_the_next_one_stays()
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("spawns"), prepare: OwnServer.Compile("spawns"));
        server.Answers();
        using var client = new Line(server);
        void Load()
        {
            for (int i = 0; i < 20; i++)
            {
                Assert.StartsWith("0 0", client.Ask("true"));
                Assert.StartsWith("0 1", client.Ask("false"));
            }
        }
        Load();
        server.InStep();
        Assert.Equal("2", client.Ask("vfork")); /* ENOENT */
        string history = server.FollowerEnded();
        Assert.Contains("a child of vfork whose exec failed", history);
        Assert.DoesNotContain("diverged", history);
        Load();
        server.Follow();
        Load();
        server.InStep();
    }

    [Theory]
    [InlineData("mv_fork_call")] /* before it is made */
    [InlineData("mv_leader_publish if row->name[0] == 'c' && row->name[1] == 'l' && row->name[2] == 'o' && row->name[3] == 'n'")] /* after */
    public void A_child_that_a_killed_leader_was_forking_is_made_once(string moment)
    {
        RedisUnderMvedsua server = Start(server: OwnServer.Command("spawns"), prepare: OwnServer.Compile("spawns"));
        server.Answers();
        using var client = new Line(server);
        Assert.Equal("7", client.Ask("fork"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, moment);
        client.Say("fork");
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal("7", client.Answer()); /* and its end is known to the server */
        Assert.Equal(2, File.ReadLines(Path.Combine(server.Folder, "children")).Count());
        Assert.Equal("7", client.Ask("fork"));
        server.Follow();
        Assert.Equal("7", client.Ask("fork"));
        server.InStep();
    }
}
