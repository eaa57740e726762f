using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Mvedsua.Drill;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>Connections that send the same commands, many in one piece, to a server and to its twin; each answer must be the twin's.</summary>
internal sealed class TwinLoad : DrillLoad
{
    private readonly List<Action> _toBegin = [];
    private readonly ReaderWriterLockSlim _running = new(); /* its writer stops them all */

    /// <param name="port">Of the server.</param>
    /// <param name="twin">Of the twin.</param>
    /// <param name="script">What <see cref="MixedKeys.LoadScripts"/> has returned.</param>
    /// <param name="connections">How many.</param>
    /// <param name="seed">The same one brings the same commands.</param>
    /// <param name="others">Commands that the first connection sends among those of <see cref="MixedKeys"/>; they are numbered.</param>
    internal TwinLoad(int port, int twin, string script, int connections, int seed, Func<Random, int, string[]>? others = null)
    {
        for (int i = 0; i < connections; i++)
        {
            string name = $"c{i}";
            var random = new Random(unchecked(seed * 31 + i));
            var client = new RespClient(port, 60_000);
            bool isFirst = i == 0;
            Ports.Add(client.LocalPort);
            string[] Next(int number) => isFirst && others is not null && random.Next(3) == 0 ? others(random, number) : MixedKeys.Change(random, name, number, script);
            _toBegin.Add(() => StartThread(name, () => Serve(client, twin, random, Next, isFirst ? Shown : null)));
        }
    }

    /// <summary>The clients' ports.</summary>
    internal List<int> Ports { get; } = [];

    /// <summary>What <see cref="Monitor"/> has to show of the first connection, if there is one.</summary>
    internal ConcurrentQueue<string[]>? Shown { get; init; }

    internal void Begin() => _toBegin.ForEach(begin => begin());

    /// <summary>What is done while none of them waits for an answer: server and twin have had the same.</summary>
    internal T Between<T>(Func<T> act)
    {
        _running.EnterWriteLock();
        try { return act(); }
        finally { _running.ExitWriteLock(); }
    }

    private void Serve(RespClient client, int twin, Random random, Func<int, string[]> next, ConcurrentQueue<string[]>? shown)
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
                string[] command = next(++number);
                RespClient.Append(text, command);
                commands.Add(command);
                shown?.Enqueue(command);
            }
            _running.EnterReadLock();
            try { Send(client, other, text.ToString(), commands); }
            finally { _running.ExitReadLock(); }
        }
    }

    private void Send(RespClient client, RespClient other, string text, List<string[]> commands)
    {
        long begin = Stopwatch.GetTimestamp();
        client.SendRaw(text);
        other.SendRaw(text);
        foreach (string[] command in commands)
        {
            string got = client.Read(), expected = other.Read();
            if (got != expected)
                throw new DrillFailure($"to {RespClient.Shorten(string.Join(' ', command))}: the twin answered {RespClient.Shorten(expected)}, the server {RespClient.Shorten(got)}");
            Answered(begin);
        }
    }
}
