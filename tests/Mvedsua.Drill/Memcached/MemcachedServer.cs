using System.Net.Sockets;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Memcached;

/// <summary>memcached with four worker threads, and its maintenance threads.</summary>
internal sealed class MemcachedServer : IDrillServer
{
    public string[] Command(string folder, int port) =>
        ["/usr/bin/memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", $"{port}", "-U", "0", "-m", "64", "-t", "4"];

    public bool Answers(int port)
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

    public DrillLoad Load(int port, int seed) =>
        new ClientLoad<MemcachedClient>(8, (number, _) => new MemcachedClient(port, number, new Random(unchecked(seed * 31 + number))));

    public int ShutDown(int port, int leader)
    {
        Host.Kill(leader, Host.SIGTERM);
        return 0;
    }

    /// <summary>It has no files.</summary>
    public void CheckFiles(string folder, DrillLoad load)
    {
    }

    public void CheckFilesAfterKill(string folder, DrillLoad load)
    {
    }

    public void Dispose()
    {
    }
}
