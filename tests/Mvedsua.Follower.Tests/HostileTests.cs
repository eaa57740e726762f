using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>A follower that is made hostile by a change of its memory alone (tests/native/follower/hostile.c): whatever it does, nothing is seen
/// outside, it is ended by name, and its leader and the client go on.</summary>
public sealed class HostileTests : ServerTests
{
    private const string Leader = "who is it? the leader, or its copy", Hostile = "It is hostile";

    /// <summary>A deed of hostile.c, and what is told of it.</summary>
    public static TheoryData<string, string> Deeds => new()
    {
        /* calls that travel */
        { "open", "diverged" },
        { "send", "diverged" },
        { "kill", "diverged" },
        { "close", "diverged" },
        { "exec", "diverged" },
        { "fork", "diverged" },
        { "vfork", "diverged" },
        { "thread", "diverged" },
        { "exit", "diverged" },
        { "crash", "got signal 4" },
        /* code that appears, or that nobody could see */
        { "written code", "diverged" },
        { "protected code", "diverged" },
        { "disguised code", "diverged" },
        { "int 0x80", "32-bit system call" },
        { "32-bit code", "32-bit system call" },
        { "sysenter", "32-bit system call|got signal 4" }, /* some processors have none in 64-bit code */
        /* against the net itself */
        { "dispatch off", "diverged" },
        { "ignore SIGSYS", "diverged" },
        { "arch_prctl", "thread pointer" },
        { "wrfsbase", "thread pointer" },
        /* calls of its own that reach beyond it */
        { "modify_ldt", "diverged" },
        { "move_pages", "diverged" },
        { "mapped before", "memory writable that it shares" },
        { "mapped later", "memory writable that it shares" },
        { "unlock logs", "memory of the session" },
        { "unmap logs", "memory of the session" },
        { "punch control", "memory of the session" },
        { "map over control", "memory of the session" },
    };

    [Theory, MemberData(nameof(Deeds))]
    public void A_hostile_follower_has_no_effect_and_is_ended_by_name(string deed, string told)
    {
        Assert.SkipWhen(deed == "wrfsbase" && !File.ReadAllText("/proc/cpuinfo").Contains("fsgsbase"), "this processor has no wrfsbase");
        RedisUnderMvedsua server = Start(server: ["{folder}/hostile", "{folder}/proof", "{port}"], prepare: OwnServer.Compile("hostile"));
        server.Answers();
        string proof = Path.Combine(server.Folder, "proof"), shared = proof + ".shared";
        using var client = new Line(server);
        Assert.Equal("done", client.Ask("map"));
        Assert.Equal("done", client.Ask(deed)); /* both are good as yet */
        server.InStep();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        byte[] content = File.ReadAllBytes(shared);
        Assert.True(OtherMemory.Poke(follower, Leader, Hostile) > 0, "the mark is in the follower's memory");
        using var strace = new CallsSeen(server, follower);
        Assert.Equal("done", client.Ask(deed));
        string history = server.FollowerEnded();
        Assert.True(Regex.IsMatch(history, told), history);
        strace.AreItsOwn();
        Host.Until(() => !Host.IsAlive(follower), "the follower is gone");

        for (int i = 0; i < 5; i++) Assert.Equal("done", client.Ask(deed)); /* nothing else was sent to the client */
        Assert.False(File.Exists(proof), "a file was made");
        Assert.Equal(content, File.ReadAllBytes(shared));
        Assert.Equal(leader, server.LeaderPid);
        Assert.True(Host.IsAlive(leader));
        server.Follow();
        Assert.Equal("done", client.Ask(deed));
        server.InStep();
    }
}
