namespace Mvedsua.Follower.Tests;

/// <summary>A server that makes calls of every class that a failover settles (tests/native/follower/outcomes.c), killed at random
/// instants under clients that know each answer.</summary>
public sealed class RandomKillTests : MomentServers
{
    private const int Kills = 50, Clients = 3;

    /* Answers that no other client's doings change: no descriptor numbers. */
    private static readonly string[] Commands =
    [
        "close", "list", "events", "name rename", "name link", "name symlink", "name unlink", "name mkdir", "name mknod", "name rmdir",
        "state bind", "state connect", "state shutdown", "move lseek", "move splice", "move copy_file_range", "move ftruncate", "move pwrite64",
        "repeat inotify_rm_watch", "send stream vector", "send stream message", "send stream flat", "send stream plain",
        "send datagram vector", "send datagram message", "send datagram flat", "send pipe vector", "send pipe plain",
        "batch stream", "batch datagram", "pieces readv", "pieces recvmsg", "pieces recvfrom", "pieces sendfile",
        "count eventfd", "count timerfd", "wait wait4", "wait waitid",
    ];

    [Fact]
    public async Task What_a_server_does_is_done_once_through_fifty_kills_at_random_instants()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        using var collector = new Collector();
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Followed, server: OwnServer.Command("outcomes"), prepare: collector.Prepare);
        try
        {
            server.Answers();
            Dictionary<string, string> expected;
            using (var line = new Line(server)) expected = Commands.ToDictionary(command => command, command => line.Ask(command)!);
            using var done = new CancellationTokenSource();
            Task<int>[] clients = [.. Enumerable.Range(0, Clients).Select(i => Task.Run(() => Ask(server, expected, i, new Random(seed + i + 1), done.Token)))];
            for (int i = 0; i < Kills && clients.All(client => !client.IsCompleted); i++)
            {
                server.InStepUnderLoad();
                await Task.Delay(random.Next(100), TestContext.Current.CancellationToken); /* the random instant */
                int leader = server.LeaderPid;
                Host.Kill(leader, Host.SIGKILL);
                server.PromotedFrom(leader);
                server.Follow();
            }

            await done.CancelAsync();
            int[] told = await Task.WhenAll(clients);
            foreach (string file in (string[])["journal", "collected"])
            {
                string[] lines = [];
                Host.Until(() => (lines = File.ReadAllLines(Path.Combine(server.Folder, file))).Length >= told.Sum(), $"{file} is written");
                for (int i = 0; i < Clients; i++)
                    Assert.Equal(Enumerable.Range(0, told[i]).Select(n => $"{i} {n}"), lines.Where(line => line.StartsWith($"{i} ", StringComparison.Ordinal)));
                Assert.Equal(told.Sum(), lines.Length);
            }

            Assert.DoesNotContain("dead leader", server.Log);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new Xunit.Sdk.XunitException($"seed {seed}: {e.Message}\n{server.Log}", e);
        }
    }

    /// <summary>Asks until the end, and answers how many lines it had told.</summary>
    private static int Ask(RedisUnderMvedsua server, Dictionary<string, string> expected, int client, Random random, CancellationToken end)
    {
        using var line = new Line(server);
        int told = 0;
        while (!end.IsCancellationRequested)
        {
            string command = Commands[random.Next(Commands.Length)];
            Assert.Equal((command, expected[command]), (command, line.Ask(command)));
            Assert.Equal($"1 {client} {told}", line.Ask($"tell {client} {told}"));
            told++;
        }

        return told;
    }
}
