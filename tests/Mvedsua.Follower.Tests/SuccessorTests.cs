namespace Mvedsua.Follower.Tests;

/// <summary>Only a follower that nobody has ended takes over: one word of the control block decides it (shared.h, `publishing`). What could
/// break it is a follower that sleeps through its end, which these tests make stand still.</summary>
public sealed class SuccessorTests : ServerTests
{
    private const long LeaderPid = 148, Generation = 176, Failovers = 184, Publishing = 512 + 4; /* struct mv_control; of version index 1 */

    [Fact]
    public void A_follower_that_slept_through_its_end_and_its_successors_coming_does_not_lead()
    {
        RedisUnderMvedsua server = Start();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        using FileStream memory = server.Memory(FileAccess.ReadWrite);
        Host.Kill(follower, Host.SIGSTOP);
        Host.Until(() => File.ReadAllText($"/proc/{follower}/stat").Split(") ")[1][0] == 'T', "the follower stands still");
        /* It was ended, and another one made: nobody else is there that could lead. */
        uint generation = Word(memory, Generation);
        Set(memory, Publishing, 0);
        Set(memory, Generation, generation + 1);
        Set(memory, Publishing, generation + 1);
        Host.Kill(leader, Host.SIGKILL);
        Host.Kill(follower, Host.SIGCONT);
        NobodyLeads(memory, leader, follower);
    }

    [Fact]
    public void A_follower_that_is_ended_in_the_last_moment_does_not_lead()
    {
        RedisUnderMvedsua server = Start();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        using FileStream memory = server.Memory(FileAccess.ReadWrite);
        using (var taking = new StoppedThread(follower, "mv_member_let_go"))
        {
            Host.Kill(leader, Host.SIGKILL);
            taking.Reached();
            Set(memory, Publishing, 0); /* as the coordinator does when a limit is passed */
        }
        NobodyLeads(memory, leader, follower);
    }

    [Fact]
    public void A_follower_that_has_taken_over_is_not_ended_any_more()
    {
        RedisUnderMvedsua server = Start();
        using RespClient client = server.Connect();
        client.Expect("+OK\r\n", "SET", "key", "value");
        server.InStep();
        int leader = server.LeaderPid, follower = server.FollowerPid;
        using FileStream memory = server.Memory(FileAccess.ReadWrite);
        using (var taking = new StoppedThread(follower, "mv_settle_intents"))
        {
            Host.Kill(leader, Host.SIGKILL);
            taking.Reached();
            Assert.Equal(0u, Word(memory, Publishing));
        }
        Assert.Equal(follower, server.PromotedFrom(leader));
        client.Expect(RespClient.Bulk("value"), "GET", "key");
        server.Follow();
        server.InStep();
    }

    private static void NobodyLeads(FileStream memory, int leader, int follower)
    {
        Host.Until(() => !Host.IsAlive(follower), "the follower ends");
        Assert.Equal((uint)leader, Word(memory, LeaderPid));
        Assert.Equal(0u, Word(memory, Failovers));
    }

    private static uint Word(FileStream memory, long offset)
    {
        byte[] word = new byte[4];
        memory.Position = offset;
        memory.ReadExactly(word);
        return BitConverter.ToUInt32(word);
    }

    private static void Set(FileStream memory, long offset, uint value)
    {
        memory.Position = offset;
        memory.Write(BitConverter.GetBytes(value));
        memory.Flush();
    }
}
