using System.Globalization;

namespace Mvedsua.Drill.Kv;

/// <summary>Thousands of connections, all open at once; in each round all of them ask before any answer is read. For one thread.</summary>
internal sealed class KvCrowd : IDisposable
{
    private readonly List<KvLine> _lines = [];
    private readonly string _put;
    private int _round;

    /// <param name="port">Of the server.</param>
    /// <param name="count">How many connections; two descriptors each on one machine.</param>
    /// <param name="put">PUT, or what it is called in releases that have none.</param>
    internal KvCrowd(int port, int count, string put = "PUT")
    {
        _put = put;
        for (int i = 0; i < count; i++) _lines.Add(new KvLine(port));
    }

    /// <exception cref="DrillFailure">An answer was wrong.</exception>
    internal void Round()
    {
        string Value(int i) => string.Create(CultureInfo.InvariantCulture, $"{i}.{_round}.{new string('v', i % 700)}");
        _round++;
        foreach ((int i, KvLine line) in _lines.Index()) line.Send($"{_put} crowd.{i} {Value(i)}\nGET crowd.{i}\n");
        foreach ((int i, KvLine line) in _lines.Index())
        {
            if (line.Read() is var stored && stored != "OK") throw new DrillFailure($"connection {i}: {_put} was answered {KvKeys.Shorten(stored)}");
            if (line.Read() is var got && got != $"VALUE {Value(i)}") throw new DrillFailure($"connection {i}: GET was answered {KvKeys.Shorten(got)}, not VALUE {KvKeys.Shorten(Value(i))}");
        }
    }

    public void Dispose()
    {
        foreach (KvLine line in _lines) line.Dispose();
    }
}
