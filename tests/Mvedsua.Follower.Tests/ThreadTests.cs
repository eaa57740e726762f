using System.Net.Sockets;

namespace Mvedsua.Follower.Tests;

/// <summary>Locks, conditions, timed waits, threads that come and go: tests/native/follower/workers.c.</summary>
public sealed class ThreadTests : ServerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Threads_under_load_stay_in_step_and_survive_a_failover(bool attachedLater)
    {
        for (int round = 0; round < Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Start(attachedLater ? RedisUnderMvedsua.Mode.Solo : RedisUnderMvedsua.Mode.Followed,
                server: ["{folder}/workers", "{port}"], prepare: Compile);
            Host.Until(() => Answers(server.Port), "the server answers");
            using var client = new Lines(server.Port);
            client.Load(300);
            if (attachedLater) server.Follow(); /* one thread waits on a condition since the start */
            client.Load(1000);
            server.InStep();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            client.Load(300);
            server.PromotedFrom(leader);
            server.Follow();
            client.Load(300);
            server.InStep();
        }
    }

    [Fact]
    public void A_follower_is_attached_again_and_again_while_threads_come_and_go()
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, server: ["{folder}/workers", "{port}"], prepare: Compile);
        Host.Until(() => Answers(server.Port), "the server answers");
        using var client = new Lines(server.Port);
        using var stop = new CancellationTokenSource();
        Exception? wrong = null;
        var load = new Thread(() =>
        {
            try { while (!stop.IsCancellationRequested) client.Load(50); }
            catch (Exception e) { wrong = e; }
        });
        load.Start();
        try
        {
            for (int i = 0; i < 10 * Host.Rounds; i++)
            {
                server.Follow();
                server.InStepUnderLoad();
                Assert.Equal(0, server.Mvedsua("unfollow", RedisUnderMvedsua.Name).Status);
            }
        }
        finally
        {
            stop.Cancel();
            load.Join();
        }
        Assert.Null(wrong);
        server.Follow();
        server.InStep();
    }

    private static void Compile(RedisUnderMvedsua server)
    {
        Host.Result gcc = Host.Run(server.Folder, "gcc", "-O2", "-pthread", "-o", "workers", Path.Combine(Host.Root, "tests/native/follower/workers.c"));
        Assert.True(gcc.Status == 0, gcc.Errors);
    }

    private static bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>One connection; each answer must be the sum that follows from all values so far, in some order of the workers.</summary>
    private sealed class Lines : IDisposable
    {
        private readonly TcpClient _client;
        private readonly StreamReader _reader;
        private readonly StreamWriter _writer;
        private long _sum;
        private int _value;

        internal Lines(int port)
        {
            _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = 20_000 };
            _reader = new StreamReader(_client.GetStream());
            _writer = new StreamWriter(_client.GetStream()) { AutoFlush = true };
        }

        internal void Load(int requests)
        {
            for (int i = 0; i < requests; i++)
            {
                long value = ++_value;
                _writer.Write($"{value}\n");
                for (int job = 0; job < 3; job++) _sum = unchecked(_sum * 31 + value + job); /* taken from the queue in order */
                if (value % 7 == 0) _sum += 1000;
                Assert.Equal($"{_sum:x}", _reader.ReadLine());
            }
        }

        public void Dispose() => _client.Dispose();
    }
}
