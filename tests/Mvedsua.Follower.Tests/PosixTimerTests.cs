using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>Timers of timer_create (tests/native/follower/timers.c): they outlive their process under the same numbers.</summary>
public sealed class PosixTimerTests : MomentServers
{
    private static readonly string[] Kinds = ["plain", "signal", "member", "thread", "cpu"];

    [Fact]
    public void Timers_tell_the_same_natively_solo_followed_and_after_failovers()
    {
        List<string> Told(RedisUnderMvedsua.Mode mode, Action<RedisUnderMvedsua> between)
        {
            RedisUnderMvedsua server = StartServer("timers", mode);
            using var line = new Line(server);
            List<string> told = [];
            foreach (string kind in Kinds) told.Add(line.Ask($"make {kind}")!);
            told.AddRange(Exchange(line, 0));
            between(server);
            told.AddRange(Exchange(line, 0));
            told.Add(line.Ask("delete 1")!);
            foreach (string kind in (string[])["quiet", .. Kinds]) Assert.DoesNotContain("-", line.Ask($"make {kind}")); /* whose numbers are the kernel's */
            told.AddRange(Exchange(line, 6));
            between(server);
            told.AddRange(Exchange(line, 6));
            told.Add(line.Ask("left 1")!); /* EINVAL */
            if (mode == RedisUnderMvedsua.Mode.Followed) server.InStep();
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native, _ => { });
        Assert.Equal("0 value 0 code -2 overrun 0 own thread 0", native[5 + 1]);
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo, _ => { }));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed, server => { Failover(server); server.Follow(); }));
    }

    /// <summary>Each of the kinds fires, once or thrice, by a time or at one. (What libc's thread tells of may come when the timer is
    /// disarmed and the reports are drained already, natively too: it is not waited for as another timer's.)</summary>
    private static IEnumerable<string> Exchange(Line line, int first)
    {
        for (int i = 0; i < Kinds.Length; i++)
        {
            int timer = first + i;
            if (first == 0 && i == 1 && line.Ask("left 1") == "-22") continue;
            yield return line.Ask($"{(Kinds[i] is "plain" ? "until" : Kinds[i] is "cpu" ? "burn" : "arm")} {timer} 30 0")!;
            yield return Value(line.Ask($"wait {timer}")!, timer);
            yield return line.Ask($"left {timer}")!;
            if (Kinds[i] is "cpu") continue;
            yield return line.Ask($"arm {timer} 20 40")!;
            yield return Value(line.Ask($"wait {timer}")!, timer);
            yield return Value(line.Ask($"wait {timer}")!, timer);
            yield return line.Ask($"left {timer}")!;
            yield return line.Ask($"arm {timer} 0 0")!;
            yield return line.Ask($"left {timer}")!;
            line.Ask("drain");
        }
        yield return line.Ask("clock")!;
    }

    /// <summary>(The default event's value is the kernel's number, as the promise says; overruns are the machine's.)</summary>
    private static string Value(string told, int timer)
    {
        string[] words = told.Split(' ');
        words[6] = int.Parse(words[6]) >= 0 ? "0" : "negative";
        if (timer == 6) (words[0], words[2]) = ("6", words[0] == words[2] || words[2] == "0" ? "0" : words[2]);
        return string.Join(' ', words);
    }

    [Theory]
    [InlineData("signal", "arm", false)]
    [InlineData("signal", "until", true)]
    [InlineData("member", "arm", true)]
    [InlineData("thread", "arm", false)]
    public void A_timer_that_was_armed_before_the_leader_died_fires_when_it_is_due(string kind, string word, bool beforeTheFollower)
    {
        RedisUnderMvedsua server = StartServer("timers", beforeTheFollower ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        line.Ask($"make {kind}");
        long begin = Stopwatch.GetTimestamp();
        Assert.Equal("0", line.Ask($"{word} 0 3000 0"));
        if (beforeTheFollower) server.Follow();
        server.InStep();
        Failover(server);
        Assert.Equal("1", line.Ask("left 0"));
        Assert.StartsWith("0 value ", line.Ask("wait"));
        Assert.InRange(Stopwatch.GetElapsedTime(begin).TotalSeconds, 2.9, 6);
        Assert.Equal("0", line.Ask("left 0"));
    }

    [Fact]
    public void A_timer_that_fell_due_while_nobody_led_fires_at_once()
    {
        RedisUnderMvedsua server = StartServer("timers", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        line.Ask("make signal");
        server.InStep();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        Host.Kill(follower, Host.SIGSTOP);
        long begin = Stopwatch.GetTimestamp();
        line.Ask("arm 0 1000 0");
        Host.Kill(leader, Host.SIGKILL);
        Host.Until(() => Stopwatch.GetElapsedTime(begin).TotalSeconds > 1.5, "the time has passed");
        Host.Kill(follower, Host.SIGCONT);
        server.PromotedFrom(leader);
        Assert.Equal("0 value 100 code -2 overrun 0 own thread 0", line.Ask("wait"));
    }

    [Theory]
    [InlineData("signal")]
    [InlineData("member")]
    public void A_timer_that_repeats_keeps_its_beat_over_failovers(string kind)
    {
        RedisUnderMvedsua server = StartServer("timers", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        line.Ask($"make {kind}");
        line.Ask("arm 0 20 20");
        int beats = 0;
        for (int generation = 0; generation < 3; generation++)
        {
            for (int i = 0; i < 5; i++) line.Ask("stall 30");
            server.InStep();
            Failover(server);
            server.Follow();
            bool IsInBeat()
            {
                string[] told = line.Ask("drain")!.Split(' ');
                beats += int.Parse(told[0]);
                return int.Parse(told[1]) / 20 - beats is >= -1 and <= 1; /* one more may be due by now, or be on its way */
            }
            /* On a busy machine more than one is on its way; one that is lost stays lost. */
            Host.Until(IsInBeat, "there were as many beats as there was time for");
        }
    }

    /// <summary>Of the signals that the program takes itself, too.</summary>
    [Fact]
    public void Overruns_are_told_after_a_failover_too()
    {
        RedisUnderMvedsua server = StartServer("timers", RedisUnderMvedsua.Mode.Followed);
        using var line = new Line(server);
        line.Ask("make quiet");
        line.Ask("make signal");
        for (int generation = 0; generation < 3; generation++)
        {
            line.Ask("arm 1 10 10");
            string told = line.Ask("take 100")!;
            int overrun = int.Parse(told.Split(' ')[6]);
            Assert.InRange(overrun, 5, 200);
            Assert.Equal($"1 value 101 code -2 overrun {overrun} own thread 0", told);
            Assert.Equal($"{overrun}", line.Ask("overrun 1"));
            server.InStep();
            Failover(server);
            Assert.Equal($"{overrun}", line.Ask("overrun 1"));
            server.Follow();
            Assert.Equal($"{overrun}", line.Ask("overrun 1"));
            Assert.Equal("0", line.Ask("arm 1 0 0"));
            Assert.Equal("0", line.Ask("overrun 1"));
            line.Ask("release");
            line.Ask("drain");
        }
    }

    private static void Failover(RedisUnderMvedsua server)
    {
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
    }
}
