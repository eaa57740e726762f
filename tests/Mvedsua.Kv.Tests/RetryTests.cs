using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>An update that fails by the moment at which it is made is made again; after the third experiment of the Mvedsua paper.</summary>
public sealed class RetryTests : UpdatedServers
{
    private const int Refused = 75, Failed = 76, NewVersionEnded = 77, Overtaken = 78;

    /// <summary>The first attempt finds a client that has sent half a request, the second one none.</summary>
    [Fact]
    public void What_was_in_the_way_of_one_attempt_is_gone_at_the_next_one()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 2, 71);
        using var line = new KvLine(server.Port);
        line.Send("PUT half a val");
        Host.Until(() => Queued(line) == 0, "the server has it");
        string file = Description(server, KvVariant.Resume);
        using var update = new Updating(server, KvPrograms.Of("1.0-half"), file, "--warm-up", "1500ms", "--retry", "3");
        update.Is("monitoring");
        line.Send("ue\n");
        Assert.Equal("OK", line.Read());
        Host.Result result = update.Outcome();
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.Contains("attempt 1 of 4 failed, the next one comes in 500 ms", result.Output);
        Assert.Contains("attempt 1 of 4 failed, the next one comes in 500 ms", server.History);
        Assert.Equal("VALUE a value", line.Ask("GET half"));
        Assert.Equal("OK", line.Ask("DEL half"));
        Agrees(server);
        HasAll(server, load);
    }

    /// <summary>A client that has sent half a request about half of the time: installed in the end, always.</summary>
    [Fact]
    public async Task An_update_whose_success_is_a_matter_of_the_moment_is_always_made_in_the_end()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 2, 72);
        using var stop = new CancellationTokenSource();
        Task<int> halves = Task.Run(() => SendInHalves(server.Port, stop.Token));
        string file = Description(server, KvVariant.Resume + "on failure retry 60 every 20 ms\n");
        var attempts = new List<int>();
        for (int i = 0; i < 4 * Host.Rounds; i++)
        {
            using var update = new Updating(server, KvPrograms.Of("1.0-half"), file, "--warm-up", "300ms");
            Host.Result result = update.Outcome();
            Assert.True(result.Status == 0, result.Output + result.Errors);
            attempts.Add(1 + result.Output.Split("failed, the next one comes in 20 ms").Length - 1);
            Do(server, "rollback");
        }
        Tell($"attempts: {string.Join(' ', attempts)}");
        await stop.CancelAsync();
        Assert.True(await halves > 100);
        HasAll(server, load);
    }

    [Fact]
    public void One_that_fails_every_time_is_given_up_and_each_attempt_is_told()
    {
        RedisUnderMvedsua server = Server();
        using var load = KvClient.Load(server.Port, 2, 73);
        load.More(50);
        int old = Pid(server);
        using var update = new Updating(server, KvPrograms.Of("2.0"), KvPrograms.Description("entry_crashes"), "--retry", "2");
        Host.Result result = update.Outcome();
        Assert.Equal(Failed, result.Status);
        Assert.Contains("(This was attempt 3 of 3.)", result.Errors);
        foreach (string told in (string[])[result.Output, server.History])
        {
            Assert.Contains("attempt 1 of 3 failed", told);
            Assert.Contains("attempt 2 of 3 failed", told);
        }
        Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        Assert.Equal(0, Update(server, KvPrograms.Of("1.0-crash")).Status);
        HasAll(server, load);
    }

    [Fact]
    public void One_that_breaks_in_each_of_its_warm_ups_is_given_up()
    {
        RedisUnderMvedsua server = Server();
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        using var update = new Updating(server, KvPrograms.Of("1.0-crash"), Description(server, KvVariant.Resume + "on failure retry 9 every 10 ms\n"), "--warm-up", "60s", "--retry", "2");
        while (!update.IsOver) Assert.Equal("TTL never", line.Ask("TTL key"));
        Host.Result result = update.Outcome();
        Assert.Equal(NewVersionEnded, result.Status);
        Assert.Contains("SIGSEGV", result.Errors);
        Assert.Contains("(This was attempt 3 of 3.)", result.Errors);
        Assert.Contains("attempt 2 of 3 failed, the next one comes in 10 ms", server.History);
    }

    [Fact]
    public void What_the_files_show_is_refused_once()
    {
        RedisUnderMvedsua server = Server();
        foreach ((string program, string description) in ((string, string)[])[(KvPrograms.Of("1.0"), KvVariant.Resume), ("/etc/passwd", KvVariant.Resume), (KvPrograms.Of("1.0-crash"), "resume nowhere()\n")])
        {
            Host.Result result = Update(server, program, description, "--retry", "5", "--warm-up", "1s");
            Assert.Equal(Refused, result.Status);
            Assert.Equal("", result.Output);
        }
        string rules = Directory.CreateDirectory(Path.Combine(server.Folder, "rules")).FullName;
        File.WriteAllText(Path.Combine(rules, "forward.rules"), "no rule\n");
        Host.Result wrong = Update(server, KvPrograms.Of("1.0-crash"), KvVariant.Resume, "--retry", "5", "--rules", rules);
        Assert.Equal((Refused, ""), (wrong.Status, wrong.Output));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Nothing_is_tried_again_after_a_rollback_nor_when_nobody_listens(bool rollsBack)
    {
        RedisUnderMvedsua server = Server();
        using var update = new Updating(server, KvPrograms.Of("2.0"), Description(server, File.ReadAllText(KvPrograms.Description("entry_crashes")) + "on failure retry 9 every 4000 ms\n"));
        using var line = new KvLine(server.Port);
        Assert.Equal("OK", line.Ask("PUT key value"));
        update.Is("waiting");
        if (rollsBack)
        {
            Assert.Contains("is given up", Do(server, "rollback"));
            Assert.Equal(Overtaken, update.Outcome().Status);
        }
        else
        {
            update.Interrupt();
            Host.Until(() => server.History.Contains("has hung up"), "its end is noticed");
        }
        int attempts = Attempts(server);
        Thread.Sleep(5000);
        Assert.Equal((attempts, "single-leader"), (Attempts(server), Stage(server)));
    }

    /// <summary>What could break it: the copy is not there yet when its update is taken back, or stands in a function that never returns.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_rollback_in_the_middle_of_an_attempt_ends_its_copy(bool isThere)
    {
        RedisUnderMvedsua server = Server();
        int old = Pid(server);
        using var load = KvClient.Load(server.Port, 2, 74);
        load.More(50);
        using var update = new Updating(server, KvPrograms.Of("2.0"), KvPrograms.Description("entry_hangs"), "--retry", "5", "--warm-up", "1s");
        update.Is(isThere ? ["updating"] : ["preparing", "updating"]);
        Do(server, "rollback");
        Assert.Equal(Overtaken, update.Outcome().Status);
        Host.Result next = Update(server, KvPrograms.Of("1.0-crash"));
        for (int i = 0; i < 300 && next.Status == 66; i++) /* what is left of the attempt is being ended */
        {
            Thread.Sleep(100);
            next = Update(server, KvPrograms.Of("1.0-crash"));
        }
        Assert.True(next.Status == 0, next.Errors);
        Do(server, "rollback");
        Assert.Equal(("single-leader", old, 0), (Stage(server), Pid(server), Pid(server, follower: true)));
        HasAll(server, load);
    }

    private static int Attempts(RedisUnderMvedsua server) => server.History.Split("is updated").Length;

    private static string Description(RedisUnderMvedsua server, string text)
    {
        string file = Path.Combine(server.Folder, "update.description");
        File.WriteAllText(file, text);
        return file;
    }

    /// <summary>Bytes that the server has not read yet; both ends are on this machine: what is acknowledged may still be in its queue, which
    /// its other requests tell.</summary>
    private static int Queued(KvLine line)
    {
        using var other = new KvLine(((System.Net.IPEndPoint)line.Socket.RemoteEndPoint!).Port);
        Assert.Equal("PONG", other.Ask("PING"));
        return 0;
    }

    private static int SendInHalves(int port, CancellationToken stop)
    {
        using var line = new KvLine(port);
        var chance = new Random(5);
        int sent = 0;
        for (; !stop.IsCancellationRequested; sent++)
        {
            line.Send("GET no");
            Thread.Sleep(chance.Next(4));
            line.Send("where\n");
            Assert.Equal("NONE", line.Read());
            Thread.Sleep(chance.Next(4));
        }
        return sent;
    }
}
