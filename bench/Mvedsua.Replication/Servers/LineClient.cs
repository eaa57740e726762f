using System.Net.Sockets;
using System.Text;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>One connection to a server that answers each line by a line, a request at a time.</summary>
/// <param name="server">Its name, for the message when it is gone.</param>
/// <param name="port">Of 127.0.0.1.</param>
internal class LineClient(string server, int port) : IDisposable
{
    private const int PatienceMilliseconds = 30_000;
    private readonly TcpClient _client = new("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = PatienceMilliseconds, SendTimeout = PatienceMilliseconds };
    private StreamReader? _answers;

    internal string Ask(string request)
    {
        Send(request + "\n");
        return Answer();
    }

    internal void Send(string text) => _client.GetStream().Write(Encoding.ASCII.GetBytes(text));

    protected string Answer() =>
        (_answers ??= new StreamReader(_client.GetStream(), Encoding.ASCII)).ReadLine() ?? throw new BenchException($"{server} closed the connection");

    public void Dispose()
    {
        _answers?.Dispose();
        _client.Dispose();
        GC.SuppressFinalize(this);
    }
}
