using System.Globalization;
using System.Text;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>One connection to the sample server.</summary>
internal sealed class KvLine(int port) : LineClient("kv", port)
{
    private const int Batch = 1000;

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
                if (Answer() is var answer && answer != "OK") throw new BenchException($"kv answered '{answer}' to a PUT");
            }
        }
    }
}
