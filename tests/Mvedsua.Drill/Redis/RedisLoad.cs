using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Redis;

/// <summary>Checked connections, and one that makes Redis fork now and then.</summary>
internal sealed class RedisLoad : DrillLoad
{
    private const int Connections = 8;
    private readonly List<RedisKeys> _keys = [];

    internal RedisLoad(int port, int seed)
    {
        for (int i = 0; i < Connections; i++)
        {
            var keys = new RedisKeys($"c{i}", new Random(unchecked(seed * 31 + i)));
            _keys.Add(keys);
            StartThread($"connection {i}", () => Serve(port, keys));
        }
        StartThread("saves", () => Save(port, new Random(seed)));
    }

    /// <summary>After <see cref="DrillLoad.Finish"/>: every key and the reply that its value is read as.</summary>
    internal IReadOnlyDictionary<string, string> Expected() => _keys.SelectMany(keys => keys.Expected()).ToDictionary();

    internal IReadOnlyList<RedisKeys> Keys => _keys;

    private void Serve(int port, RedisKeys keys)
    {
        RespClient client = new(port, 60_000);
        try
        {
            for (int round = 0; !Stopping; round++)
            {
                try
                {
                    /* New connections all the time: a kill may find the server in accept. */
                    if (round % 40 == 39)
                    {
                        client.Dispose();
                        client = new RespClient(port, 60_000);
                    }
                    keys.Round(client, begin => Answered(begin));
                }
                catch (Exception e) when (MayClose && e is EndOfStreamException or System.Net.Sockets.SocketException or IOException)
                {
                    WasClosedByName();
                    client.Dispose();
                    client = new RespClient(port, 60_000);
                    keys.Forget(client);
                }
            }
        }
        finally
        {
            client.Dispose();
        }
    }

    private void Save(int port, Random random)
    {
        using var client = new RespClient(port, 60_000);
        while (!Stopping)
        {
            string command = random.Next(2) == 0 ? "BGSAVE" : "BGREWRITEAOF";
            string reply = client.Call(command);
            if (reply.StartsWith('-') && !reply.Contains("progress") && !reply.Contains("is active")) throw new DrillFailure($"{command}: {reply}");
            for (int wait = random.Next(4, 30); wait > 0 && !Stopping; wait--)
            {
                string info = client.Call("INFO", "persistence");
                if (info.Contains("last_write_status:err") || (!ChildrenMayFail && (info.Contains("bgsave_status:err") || info.Contains("bgrewrite_status:err")))) throw new DrillFailure($"a save failed: {info}");
                Thread.Sleep(25);
            }
        }
    }
}
