namespace Mvedsua.Follower.Tests;

/// <summary>Clients that ask without pause and know every answer; each is a thread. Whatever one of them finds wrong, a closed
/// connection too, fails the test.</summary>
internal sealed class ManyClients : IDisposable
{
    /// <summary>One client: `Ask` makes one request and throws when its answer is wrong.</summary>
    internal interface IClient : IDisposable
    {
        void Ask();
    }

    private readonly List<Thread> _threads = [];
    private readonly List<string> _wrong = [];
    private volatile bool _stop;
    private long _requests;

    internal ManyClients(int count, Func<int, IClient> make)
    {
        for (int i = 0; i < count; i++)
        {
            int number = i;
            var thread = new Thread(() => Run(number, make)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
    }

    internal long Requests => Interlocked.Read(ref _requests);

    internal string? Wrong
    {
        get { lock (_wrong) return _wrong.Count == 0 ? null : string.Join('\n', _wrong); }
    }

    /// <summary>Waits for so many more answers.</summary>
    internal void More(long requests)
    {
        long goal = Requests + requests;
        Host.Until(() => Requests >= goal || Wrong is not null, $"{requests} more requests are answered", 60);
        Assert.True(Wrong is null, Wrong);
    }

    /// <summary>Kills the leader at chance moments of this load; each time the follower serves on and is followed again.</summary>
    internal void Drill(RedisUnderMvedsua server, int kills, int most)
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (int i = 0; i < kills; i++)
        {
            More(random.Next(1, most));
            Thread.SpinWait(random.Next(200_000)); /* anywhere within a request */
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            More(most);
            server.Follow();
        }
        More(most);
        server.InStepUnderLoad();
    }

    /// <summary>Stops them; nothing may have gone wrong.</summary>
    internal void Finish()
    {
        _stop = true;
        foreach (Thread thread in _threads) Assert.True(thread.Join(30_000), "a client got no answer");
        Assert.True(Wrong is null, Wrong);
    }

    public void Dispose()
    {
        _stop = true;
        foreach (Thread thread in _threads) thread.Join(25_000);
    }

    private void Run(int number, Func<int, IClient> make)
    {
        try
        {
            using IClient client = make(number);
            while (!_stop)
            {
                client.Ask();
                Interlocked.Increment(ref _requests);
            }
        }
        catch (Exception e)
        {
            lock (_wrong) _wrong.Add($"client {number}: {e.GetType().Name}: {e.Message}");
        }
    }
}
