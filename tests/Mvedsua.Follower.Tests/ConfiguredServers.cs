namespace Mvedsua.Follower.Tests;

/// <summary>Base of the tests with servers that come as packages.</summary>
public abstract class ConfiguredServers : ServerTests
{
    /// <summary>Starts a server and waits until it listens. In its folder, where `configure` writes, also a server that has changed
    /// its user may write.</summary>
    private protected RedisUnderMvedsua StartConfigured(RedisUnderMvedsua.Mode mode, string[] command, Action<RedisUnderMvedsua> configure)
    {
        RedisUnderMvedsua server = Start(mode, server: command, prepare: s =>
        {
            if (OperatingSystem.IsLinux()) File.SetUnixFileMode(s.Folder, (UnixFileMode)Convert.ToInt32("777", 8));
            configure(s);
        });
        server.Answers();
        return server;
    }

    private protected RedisUnderMvedsua StartConfigured(RedisUnderMvedsua.Mode mode, string[] command, string file, Func<RedisUnderMvedsua, string> configuration) =>
        StartConfigured(mode, command, s => File.WriteAllText(Path.Combine(s.Folder, file), configuration(s)));

    /// <summary>What a client is told on one connection, in three rounds: the same natively, solo, and with a follower, which leads
    /// in the second round and is followed again in the third.</summary>
    private protected static void ToldTheSame<T>(Func<RedisUnderMvedsua.Mode, RedisUnderMvedsua> start, Func<RedisUnderMvedsua, T> connect,
        Func<T, int, IEnumerable<string>> exchange) where T : IDisposable
    {
        List<string> Told(RedisUnderMvedsua.Mode mode)
        {
            RedisUnderMvedsua server = start(mode);
            bool followed = mode == RedisUnderMvedsua.Mode.Followed;
            using T client = connect(server);
            List<string> told = [.. exchange(client, 0)];
            if (followed)
            {
                server.InStep();
                int leader = server.LeaderPid;
                Host.Kill(leader, Host.SIGKILL);
                server.PromotedFrom(leader);
            }
            told.AddRange(exchange(client, 1));
            if (followed) server.Follow();
            told.AddRange(exchange(client, 2));
            if (followed) server.InStep();
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native);
        Assert.NotEmpty(native);
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed));
    }
}

/// <summary>Files for an HTTP server, which any user may read.</summary>
internal sealed class WebRoot : IDisposable
{
    internal WebRoot()
    {
        Folder = Directory.CreateTempSubdirectory("mvedsua-www-").FullName;
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(Folder, (UnixFileMode)Convert.ToInt32("755", 8));
        File.WriteAllText(Path.Combine(Folder, "small.txt"), "hello, world\n");
        File.WriteAllBytes(Path.Combine(Folder, "large.bin"), Large);
    }

    internal string Folder { get; }

    internal byte[] Small { get; } = "hello, world\n"u8.ToArray();

    internal byte[] Large { get; } = System.Security.Cryptography.RandomNumberGenerator.GetBytes(3_000_000);

    /// <summary>Another file, with any permissions.</summary>
    internal void Add(string name, string text, string mode = "644")
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
