using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>One connection to the sample server, a request at a time.</summary>
internal sealed class KvLine : IDisposable
{
    private const int Batch = 1000, PatienceMilliseconds = 30_000;
    private readonly TcpClient _client;
    private readonly StreamReader _answers;

    internal KvLine(int port)
    {
        _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = PatienceMilliseconds, SendTimeout = PatienceMilliseconds };
        _answers = new StreamReader(_client.GetStream(), Encoding.ASCII);
    }

    internal string Ask(string request)
    {
        Send(request + "\n");
        return _answers.ReadLine() ?? throw new BenchException("kv closed the connection");
    }

    /// <summary>PUTs so many entries, by requests of which many are on their way at once.</summary>
    internal void Fill(int entries)
    {
        for (var begin = 0; begin < entries; begin += Batch)
        {
            var count = Math.Min(Batch, entries - begin);
            var requests = new StringBuilder();
            for (var i = begin; i < begin + count; i++) requests.Append(CultureInfo.InvariantCulture, $"PUT filled:{i} the value of entry {i}\n");
            Send(requests.ToString());
            for (var i = 0; i < count; i++)
            {
                if (_answers.ReadLine() is var answer && answer != "OK") throw new BenchException($"kv answered '{answer}' to a PUT");
            }
        }
    }

    public void Dispose()
    {
        _answers.Dispose();
        _client.Dispose();
    }

    private void Send(string text) => _client.GetStream().Write(Encoding.ASCII.GetBytes(text));
}
