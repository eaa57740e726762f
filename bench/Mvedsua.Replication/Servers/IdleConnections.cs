using System.Net.Sockets;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>Open connections on which nothing is asked.</summary>
internal sealed class IdleConnections : IDisposable
{
    private readonly List<TcpClient> _clients = [];

    internal IdleConnections(int port, int count)
    {
        try
        {
            for (var i = 0; i < count; i++) _clients.Add(new TcpClient("127.0.0.1", port));
        }
        catch (SocketException e)
        {
            var opened = _clients.Count;
            Dispose();
            throw new BenchException($"only {opened} of {count} idle connections could be opened: {e.Message}");
        }
    }

    public void Dispose() => _clients.ForEach(c => c.Dispose());
}
