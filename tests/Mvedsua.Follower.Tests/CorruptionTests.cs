namespace Mvedsua.Follower.Tests;

/// <summary>Bytes of the session memory flipped from outside: the leader is untouched, and a follower that is ended is ended by name.</summary>
public sealed class CorruptionTests : ServerTests
{
    private const long Log = 1 << 20; /* MV_LOG_OFFSET(0, 0) */

    public static TheoryData<string, long, int> Places => new()
    {
        { "the log's header", Log, 56 },
        { "the position of the next record", Log + 64, 8 },
        { "the end of the log", Log + 88, 8 },
        { "the follower's cursor", Log + 4096, 16 },
        { "the first part of the control block", 0, 64 },
    };

    [Theory, MemberData(nameof(Places))]
    public void A_flipped_byte_leaves_the_leader_untouched(string place, long offset, int length)
    {
        RedisUnderMvedsua server = Start();
        using var load = new CheckedLoad(server, 3);
        int leader = server.LeaderPid, ended = 0;
        string link = server.MemoryPath();
        for (int at = 0; at < length; at++)
        {
            load.More(30);
            long where = offset + at;
            byte before = Flip(link, where);
            load.More(30);
            using (var memory = new FileStream(link, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0))
                if (offset == 0) /* the coordinator's part is written once: put back what it holds */
                {
                    memory.Position = where;
                    memory.WriteByte(before);
                }
            Assert.True(Host.IsAlive(leader), $"{place}, byte {at}: the leader died\n{server.Tail()}");
            if (server.FollowerPid == 0)
            {
                ended++;
                Assert.DoesNotContain("no reason", server.LastHistory);
                server.Follow();
            }
            else if (offset == Log)
            {
                using var memory = new FileStream(link, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
                memory.Position = where;
                memory.WriteByte(before);
            }
        }
        Tell($"{place}: {ended} of {length} bytes ended the follower");
        load.Finish();
        Assert.Equal(leader, server.LeaderPid);
        if (server.FollowerPid == 0) server.Follow();
        server.InStep();
    }

    private static byte Flip(string link, long offset)
    {
        using var memory = new FileStream(link, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        memory.Position = offset;
        byte before = (byte)memory.ReadByte();
        memory.Position = offset;
        memory.WriteByte((byte)(before ^ 0x5a));
        return before;
    }
}
