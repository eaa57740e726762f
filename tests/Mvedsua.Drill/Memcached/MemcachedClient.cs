using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Drill.Memcached;

/// <summary>Stores, changes and asks for keys of its own, each of whose values it knows: a request that is made twice, or not at all, shows.</summary>
internal sealed class MemcachedClient(int port, int number, Random random) : DrillClient
{
    private readonly Dictionary<string, string> _known = [];
    private TcpClient? _client;
    private StreamReader? _reader;
    private string? _asked; /* a key whose request is on the way */

    internal override void Connect()
    {
        Dispose();
        _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = 60_000 };
        _reader = new StreamReader(_client.GetStream(), Encoding.Latin1);
    }

    internal override void Ask()
    {
        string key = _asked = $"k{number}.{random.Next(100)}", counter = $"n{number}";
        bool known = _known.TryGetValue(key, out string? value);
        switch (random.Next(7))
        {
            case 0:
                value = new string((char)('a' + random.Next(26)), 1 + random.Next(random.Next(20) == 0 ? 100_000 : 5000));
                Expect("STORED", $"set {key} 0 0 {value.Length}\r\n{value}");
                _known[key] = value;
                break;
            case 1:
                Expect(known ? "DELETED" : "NOT_FOUND", $"delete {key}");
                _known.Remove(key);
                break;
            case 2:
                Expect(known ? "STORED" : "NOT_STORED", $"append {key} 0 0 1\r\n+");
                if (known) _known[key] = value + "+";
                break;
            case 3:
                _asked = counter;
                long count = _known.TryGetValue(counter, out string? before) ? long.Parse(before, CultureInfo.InvariantCulture) + 1 : 1;
                Expect(count == 1 ? "STORED" : $"{count}", count == 1 ? $"set {counter} 0 0 1\r\n1" : $"incr {counter} 1");
                _known[counter] = $"{count}";
                break;
            case 4:
                Many();
                break;
            default:
                Say($"get {key}\r\n");
                Told(key, known ? value : null);
                break;
        }
        _asked = null;
    }

    /// <summary>Was the last request made? The key is not known any more.</summary>
    internal override void Lost()
    {
        if (_asked is null) return;
        using var fresh = new MemcachedClient(port, number, random);
        fresh.Connect();
        fresh.Say($"delete {_asked}\r\n");
        if (fresh.Line() is var answer && answer is not ("DELETED" or "NOT_FOUND")) throw new DrillFailure($"delete {_asked} was answered {answer}");
        _known.Remove(_asked);
        _asked = null;
    }

    public override void Dispose() => _client?.Dispose();

    /// <summary>Many in one piece: the server reads and answers them in as many calls as it likes.</summary>
    private void Many()
    {
        string[] keys = [.. Enumerable.Range(0, random.Next(2, 40)).Select(_ => $"k{number}.{random.Next(100)}")];
        Say(string.Concat(keys.Select(key => $"get {key}\r\n")));
        foreach (string key in keys) Told(key, _known.GetValueOrDefault(key));
    }

    private void Told(string key, string? value)
    {
        if (value is not null)
        {
            if (Line() is var head && head != $"VALUE {key} 0 {value.Length}") throw new DrillFailure($"get {key} was answered {head}, not {value.Length} bytes");
            if (Line() is var got && got != value) throw new DrillFailure($"{key} is {got.Length} other bytes than the {value.Length} that were stored");
        }
        if (Line() is var end && end != "END") throw new DrillFailure($"get {key} ended with {end}");
    }

    private void Say(string command) => _client!.GetStream().Write(Encoding.ASCII.GetBytes(command));

    private string Line() => _reader!.ReadLine() ?? throw new EndOfStreamException("the server closed the connection");

    private void Expect(string answer, string command)
    {
        Say(command + "\r\n");
        if (Line() is var got && got != answer) throw new DrillFailure($"{command[..Math.Min(command.Length, 40)]} was answered {got}, not {answer}");
    }
}
