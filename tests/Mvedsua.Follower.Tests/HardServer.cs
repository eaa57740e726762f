using System.Collections.Concurrent;
using System.Diagnostics;

namespace Mvedsua.Follower.Tests;

/// <summary>tests/native/follower/hard: what it is asked for, and what it must answer.</summary>
internal static class HardServer
{
    /// <summary>A command, how often it is repeated in one request, and what one repetition adds to the connection's total.</summary>
    internal readonly record struct Feature(string Name, int Count = 20, int Gain = 3);

    /// <summary>What a follower repeats, whatever else the other threads do.</summary>
    internal static readonly Feature[] Repeated =
    [
        new("mutex"), new("recursive"), new("checking"), new("adaptive"), new("try"), new("timeout", 2), new("intime"), new("rwlock"), new("spin"),
        new("queue"), new("invain", 2), new("semaphore"), new("barrier", 20, 1), new("meeting"), new("c11mutex"), new("c11cond"), new("c11once"), new("once"),
        new("heap"), new("parts"), new("print"), new("timerfd", 3, 1), new("ticks", 1, 1), new("handler", 3), new("sigwait", 3),
    ];

    /// <summary>The same of threads that come and go. A follower can keep 128 that it has not read to their ends: not under any load.</summary>
    internal static readonly Feature[] ComeAndGo = [new("create", 1, 12), new("detach", 5, 1), new("local", 2), new("robust", 2, 1)];

    internal static Feature Named(string name) => Repeated.Concat(ComeAndGo).First(f => f.Name == name);

    internal static void Compile(RedisUnderMvedsua server)
    {
        Host.Result gcc = Host.Run(server.Folder, "gcc", ["-O2", "-g", "-Wall", "-Werror", "-pthread", "-o", "hard",
            .. Directory.EnumerateFiles(Path.Combine(Host.Root, "tests/native/follower/hard"), "*.c")]);
        Assert.True(gcc.Status == 0, gcc.Errors);
    }

    /// <summary>One connection, with the totals that the server must have.</summary>
    internal sealed class Client(RedisUnderMvedsua server) : IDisposable
    {
        private readonly Line _line = new(server);
        private readonly Dictionary<string, long> _totals = [];

        internal string Ask(Feature feature)
        {
            long total = _totals[feature.Name] = _totals.GetValueOrDefault(feature.Name) + (long)feature.Count * feature.Gain;
            string? answer = _line.Ask($"{feature.Name} {feature.Count}");
            Assert.Equal($"{feature.Name} {total}", answer);
            return answer!;
        }

        public void Dispose() => _line.Dispose();
    }

    /// <summary>Clients that ask for this and that until they are told to stop; the first wrong answer stops them all.</summary>
    internal sealed class Load : IDisposable
    {
        private readonly ConcurrentQueue<Exception> _wrong = [];
        private readonly Thread[] _threads;
        private volatile bool _stop;
        private long _answers;

        internal Load(RedisUnderMvedsua server, Feature[] features, int clients, int seed = 1)
        {
            _threads = [.. Enumerable.Range(0, clients).Select(i => new Thread(() => Run(server, features, new Random(seed * 1000 + i))))];
            foreach (Thread thread in _threads) thread.Start();
        }

        internal long Answers => Interlocked.Read(ref _answers);

        /// <summary>How long a client thinks between an answer and its next request; zero: they saturate the server, which a follower of so many
        /// threads can't keep up with on a busy machine.</summary>
        internal TimeSpan ThinkTime { get; set; }

        /// <summary>Waits for so many more answers.</summary>
        internal void More(int answers, double seconds = 60)
        {
            long begin = Stopwatch.GetTimestamp(), goal = Answers + answers;
            while (Answers < goal && _wrong.IsEmpty)
            {
                if (Stopwatch.GetElapsedTime(begin).TotalSeconds > seconds) Assert.Fail($"not within {seconds} s: {answers} more answers, after {Answers}");
                Thread.Sleep(1);
            }
            Check();
        }

        internal void Finish()
        {
            _stop = true;
            foreach (Thread thread in _threads) thread.Join();
            Check();
        }

        public void Dispose()
        {
            _stop = true;
            foreach (Thread thread in _threads) thread.Join();
        }

        private void Check()
        {
            if (_wrong.TryPeek(out Exception? wrong)) throw new InvalidOperationException($"after {Answers} answers", wrong);
        }

        private void Run(RedisUnderMvedsua server, Feature[] features, Random random)
        {
            try
            {
                using var client = new Client(server);
                while (!_stop && _wrong.IsEmpty)
                {
                    client.Ask(features[random.Next(features.Length)]);
                    Interlocked.Increment(ref _answers);
                    if (ThinkTime is { Ticks: > 0 } time) Thread.Sleep(time);
                }
            }
            catch (Exception e) { _wrong.Enqueue(e); }
        }
    }
}
