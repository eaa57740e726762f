using System.Diagnostics;
using System.Text;
using Mvedsua.Drill;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>Connections that send the same commands, many in one piece, to a server and to its twin; each answer must be the twin's.</summary>
internal sealed class TwinLoad : DrillLoad
{
    internal TwinLoad(int port, int twin, string script, int connections, int seed)
    {
        for (int i = 0; i < connections; i++)
        {
            string name = $"c{i}";
            var random = new Random(unchecked(seed * 31 + i));
            var client = new RespClient(port, 60_000);
            Ports.Add(client.LocalPort);
            StartThread(name, () => Serve(client, twin, name, random, script));
        }
    }

    /// <summary>The clients' ports.</summary>
    internal List<int> Ports { get; } = [];

    private void Serve(RespClient client, int twin, string name, Random random, string script)
    {
        using RespClient connection = client, other = new(twin, 60_000);
        var text = new StringBuilder();
        var commands = new List<string[]>();
        for (int number = 0; !Stopping;)
        {
            text.Clear();
            commands.Clear();
            for (int left = random.Next(1, 60); left > 0; left--)
            {
                string[] command = MixedKeys.Change(random, name, ++number, script);
                RespClient.Append(text, command);
                commands.Add(command);
            }
            long begin = Stopwatch.GetTimestamp();
            client.SendRaw(text.ToString());
            other.SendRaw(text.ToString());
            foreach (string[] command in commands)
            {
                string got = client.Read(), expected = other.Read();
                if (got != expected)
                    throw new DrillFailure($"to {RespClient.Shorten(string.Join(' ', command))}: the twin answered {RespClient.Shorten(expected)}, the server {RespClient.Shorten(got)}");
                Answered(begin);
            }
        }
    }
}
