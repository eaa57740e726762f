using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>Calls that block until all of their bytes have moved: tests/native/follower/wholes.c. What could break them: the signal by which the shim
/// stops a thread for its own ends cuts such a call short, which natively only the program's own signals do.</summary>
public sealed class WholeTests : MomentServers
{
    private const int Size = 600_000; /* far more than the buffers of a connection or a pipe hold */
    private const int SIGUSR1 = 10;
    private const int IoSubmit = 209; /* by which a leader writes to a pipe */
    private static readonly Dictionary<string, int> Calls = new()
    {
        ["write"] = 1, ["write-avx"] = 1, ["writev"] = 20, ["send"] = 44, ["sendmsg"] = 46, ["sendfile"] = 40, ["pipe"] = 1, ["pipe-vector"] = 20, ["recv"] = 45, ["recvmsg"] = 47,
    };

    public static TheoryData<string, string> Ways { get; } = new(from thread in (string[])["main", "thread"] from way in Calls.Keys select (thread, way));

    /// <summary>The server makes its calls by itself, without a record, until it is followed.</summary>
    [Theory, MemberData(nameof(Ways))]
    public void A_call_is_whole_though_a_follower_is_made_meanwhile(string thread, string way)
    {
        RedisUnderMvedsua server = Server(thread, RedisUnderMvedsua.Mode.Solo);
        Check(server, way, () => server.Follow());
        server.InStep();
        Check(server, way, () => { });
    }

    /// <summary>The first follower has the record of a call that was cut short.</summary>
    [Theory, MemberData(nameof(Ways))]
    public void A_call_is_whole_though_another_follower_is_made_meanwhile(string thread, string way)
    {
        RedisUnderMvedsua server = Server(thread, RedisUnderMvedsua.Mode.Solo, "--followers", "2");
        AreTwo(server);
        Host.Kill(ManyFollowersTests.Followers(server)[0], Host.SIGKILL);
        Check(server, way, () => server.Follow());
        AreTwo(server);
        int leader = server.LeaderPid;
        Check(server, way, () =>
        {
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
        });
    }

    [Theory, MemberData(nameof(Ways))]
    public void A_call_is_whole_though_the_roles_change_meanwhile(string thread, string way)
    {
        RedisUnderMvedsua server = Server(thread, RedisUnderMvedsua.Mode.Followed);
        server.InStep();
        Check(server, way, () =>
        {
            Host.Result promote = server.Mvedsua("promote", RedisUnderMvedsua.Name);
            Assert.True(promote.Status == 0, promote.Output + promote.Errors);
        });
        server.InStep();
    }

    /// <summary>Its call has a record, but is not the leader's any more when the signal comes.</summary>
    [Theory, MemberData(nameof(Ways))]
    public void A_call_is_whole_though_one_follower_is_dismissed_and_another_is_made_meanwhile(string thread, string way)
    {
        RedisUnderMvedsua server = Server(thread, RedisUnderMvedsua.Mode.Followed);
        server.InStep();
        Check(server, way, () =>
        {
            Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
            server.Follow();
        });
        server.InStep();
    }

    /// <summary>The first record tells of a rest, which has no record yet.</summary>
    [Theory, MemberData(nameof(Ways))]
    public void A_call_is_whole_though_the_leader_is_killed_as_it_waits_for_what_is_left(string thread, string way)
    {
        RedisUnderMvedsua server = Server(thread, RedisUnderMvedsua.Mode.Solo, "--followers", "2");
        AreTwo(server);
        Host.Kill(ManyFollowersTests.Followers(server)[0], Host.SIGKILL);
        int left = way switch { "sendfile" => Calls["sendfile"], "recv" or "recvmsg" => Calls["recv"], "pipe" or "pipe-vector" => Calls["pipe"], _ => Calls["send"] };
        Check(server, way, () =>
        {
            server.Follow();
            int leader = server.LeaderPid;
            Host.Until(() => Blocks(leader, left), "what is left is waited for");
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
        });
        AreTwo(server);
    }

    /// <summary>A handler that runs while what is left is waited for returns to where the call is made again.</summary>
    [Theory]
    [InlineData("recv")]
    [InlineData("recvmsg")]
    public void A_call_is_whole_though_a_signal_comes_behind_a_follower(string way)
    {
        RedisUnderMvedsua server = Server("main", RedisUnderMvedsua.Mode.Solo);
        Check(server, way, () =>
        {
            server.Follow();
            int leader = server.LeaderPid;
            for (int signal = 0; signal < 3; signal++)
            {
                Host.Until(() => Blocks(leader, Calls["recv"]) || Blocks(leader, Calls["recvmsg"]), "what is left is waited for");
                Host.Kill(leader, SIGUSR1);
                Host.Until(() => (Pending(leader) & 1UL << (SIGUSR1 - 1)) == 0, "the signal has come");
            }
        }, signals: 3);
        server.InStep();
    }

    private static ulong Pending(int pid) => Convert.ToUInt64(
        File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith("ShdPnd:", StringComparison.Ordinal)).Split('\t')[1], 16);

    private RedisUnderMvedsua Server(string thread, RedisUnderMvedsua.Mode mode, params string[] run)
    {
        RedisUnderMvedsua server = Start(mode, run: run, server: OwnServer.Command("wholes", thread, "{folder}/fifo"), prepare: server =>
        {
            OwnServer.Compile("wholes")(server);
            Assert.Equal(0, Host.Run(server.Folder, "mkfifo", "fifo").Status);
        });
        server.Answers();
        return server;
    }

    private static void AreTwo(RedisUnderMvedsua server) => Host.Until(() => ManyFollowersTests.Followers(server).Length == 2, "two follow", 30);

    /// <summary>Lets the server make one call, and this happen while the call is under way.</summary>
    private static void Check(RedisUnderMvedsua server, string way, Action meanwhile, int signals = 0)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 16384, ReceiveTimeout = 20_000 };
        client.Connect("127.0.0.1", server.Port);
        byte[] bytes = [.. Enumerable.Range(0, Size).Select(i => (byte)(i * 31 + (i >> 8)))];
        bool takes = way.StartsWith("recv", StringComparison.Ordinal);
        using var connection = new NetworkStream(client);
        connection.Write([.. Encoding.ASCII.GetBytes($"{way} {Size}\n"), .. takes ? bytes.AsSpan(0, 1000) : []]);
        Stream from = way.StartsWith("pipe", StringComparison.Ordinal) ? new FileStream(Path.Combine(server.Folder, "fifo"), FileMode.Open, FileAccess.Read) : connection;
        int leader = server.LeaderPid;
        Host.Until(() => Blocks(leader, Calls[way]), "the server's call blocks");
        meanwhile();
        ulong sum = 0;
        if (takes)
        {
            connection.Write(bytes.AsSpan(1000));
            foreach (byte one in bytes) sum = unchecked(sum * 31 + one);
        }
        else
        {
            byte[] got = new byte[Size];
            for (int all = 0, more; all < Size; all += more)
            {
                more = from.Read(got.AsSpan(all));
                Assert.True(more > 0 && got.AsSpan(all, more).SequenceEqual(bytes.AsSpan(all, more)),
                    $"behind {all} bytes came {more} others: {Encoding.Latin1.GetString(got.AsSpan(Math.Max(all, all + more - 20), Math.Min(more, 20)))}");
            }

        }
        Assert.Equal($"{Size} {sum:x} {signals}", new StreamReader(connection).ReadLine());
        if (from != connection) from.Dispose();
    }

    /// <summary>Has moved what it could, and sleeps in one of the calls.</summary>
    private static bool Blocks(int leader, int call) => Directory.EnumerateDirectories($"/proc/{leader}/task").Any(task =>
        File.ReadAllText($"{task}/stat").Split(") ")[1][0] == 'S'
        && long.TryParse(File.ReadAllText($"{task}/syscall").Split(' ')[0], out long number) && (number == call || number == IoSubmit));
}
