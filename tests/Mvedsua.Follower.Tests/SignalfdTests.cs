namespace Mvedsua.Follower.Tests;

/// <summary>A server that reads its signals from a signalfd: tests/native/follower/signalfd.c.</summary>
public sealed class SignalfdTests : MomentServers
{
    private const int SIGUSR2 = 12;

    [Theory]
    [InlineData("level", false)]
    [InlineData("edge", false)]
    [InlineData("level", true)]
    [InlineData("edge", true)]
    public void Its_signals_are_read_in_the_follower_and_by_the_promoted_process(string epoll, bool beforeTheFollower)
    {
        List<string> Told(RedisUnderMvedsua.Mode mode, Action<RedisUnderMvedsua> between)
        {
            bool late = beforeTheFollower && mode == RedisUnderMvedsua.Mode.Followed;
            RedisUnderMvedsua server = StartServer("signalfd", late ? RedisUnderMvedsua.Mode.Solo : mode, epoll);
            using var line = new Line(server);
            List<string> told = [line.Ask("open")!];
            if (late) server.Follow();
            for (int generation = 0; generation < 3; generation++)
            {
                foreach (string command in (string[])["idle", "queue 1 5", "wait", "again 3 70", "read", "read", "idle"]) told.Add(line.Ask(command)!);
                if (generation == 1) told.Add(line.Ask("more")!);
                between(server);
                line.Say("wait"); /* asleep in epoll_wait when it comes, or not yet */
                Host.Kill(mode == RedisUnderMvedsua.Mode.Native ? server.CoordinatorPid : server.LeaderPid, generation < 2 ? Host.SIGUSR1 : SIGUSR2);
                told.Add(line.Answer()!);
            }
            if (mode == RedisUnderMvedsua.Mode.Followed) server.InStep();
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native, _ => { });
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo, _ => { }));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed, server =>
        {
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            server.Follow();
        }));
    }

    [Theory]
    [InlineData("wait", 1)]
    [InlineData("read", 3)]
    public void Signals_that_a_killed_leader_had_read_are_told_once(string command, int count)
    {
        RedisUnderMvedsua server = StartServer("signalfd", RedisUnderMvedsua.Mode.Followed, "level");
        using var line = new Line(server);
        string descriptor = line.Ask("open")!;
        line.Ask($"again {count} 40");
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, $"mv_leader_complete if call == 0 && args[0] == {descriptor}");
        line.Say(command);
        stopped.Reached();
        stopped.Kill(leader);
        server.PromotedFrom(leader);
        Assert.Equal($"{count}:" + string.Concat(Enumerable.Range(40, count).Select(value => $" 36={value}")), line.Answer());
        Assert.Equal("0", line.Ask("idle"));
        Assert.DoesNotContain("dead leader", server.Log);
        Assert.Equal("ok", line.Ask("again 1 9"));
        Assert.Equal("1: 36=9", line.Ask("wait"));
    }

    [Theory]
    [InlineData("open", 289)]
    public void One_that_a_killed_leader_was_opening_is_opened_once(string command, int call)
    {
        RedisUnderMvedsua server = StartServer("signalfd", RedisUnderMvedsua.Mode.Followed, "level");
        using var line = new Line(server);
        Assert.Equal("-1:", line.Ask("read"));
        server.InStep();
        int leader = server.LeaderPid;
        using var stopped = new StoppedThread(leader, $"mv_leader_complete if call == {call}");
        line.Say(command);
        stopped.Reached();
        string open = string.Join(' ', Directory.EnumerateFiles($"/proc/{leader}/fd").Where(fd => new FileInfo(fd).LinkTarget == "anon_inode:[signalfd]"));
        stopped.Kill(leader);
        leader = server.PromotedFrom(leader);
        Assert.EndsWith($"/{line.Answer()}", open);
        Assert.Single(Directory.EnumerateFiles($"/proc/{leader}/fd"), fd => new FileInfo(fd).LinkTarget == "anon_inode:[signalfd]");
        Assert.Equal("ok", line.Ask("queue 1 3"));
        Assert.Equal("1: 10=3", line.Ask("wait"));
    }
}
