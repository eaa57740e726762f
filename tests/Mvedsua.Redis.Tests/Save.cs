using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>A save in the background, known by the process that makes it: another one has another process.</summary>
internal sealed class Save
{
    private readonly int _parent;

    /// <param name="leader">Whose child it becomes.</param>
    /// <param name="client">Of that process.</param>
    /// <param name="delay">Microseconds for which it waits at each key: it can't be hurried, or slowed down, once it has begun.</param>
    internal Save(int leader, RespClient client, int delay)
    {
        _parent = leader;
        client.Ok("CONFIG", "SET", "rdb-key-save-delay", $"{delay}");
        Host.Until(() =>
        {
            string reply = client.Call("BGSAVE");
            Assert.True(!reply.StartsWith('-') || reply.Contains("progress") || reply.Contains("is active"), reply);
            return !reply.StartsWith('-');
        }, "a save begins", 60);
        Pid = Children().Single(); /* Redis has one at a time */
        client.Ok("CONFIG", "SET", "rdb-key-save-delay", "0");
    }

    internal int Pid { get; }

    /// <summary>It has not ended, or Redis has not heard of its end.</summary>
    internal bool IsUnderWay => Children().Contains(Pid);

    /// <summary>It stands still: so it ends when a test says so.</summary>
    internal void Stop() => Host.Kill(Pid, Host.SIGSTOP);

    internal void GoOn() => Host.Kill(Pid, Host.SIGCONT);

    private IEnumerable<int> Children() => Directory.GetDirectories($"/proc/{_parent}/task")
        .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse);
}
