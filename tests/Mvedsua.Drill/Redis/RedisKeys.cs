using System.Diagnostics;
using System.Text;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Redis;

/// <summary>The keys that one connection alone writes, and so knows: a string, a counter, a string that grows, a list.</summary>
internal sealed class RedisKeys(string name, Random random)
{
    private readonly LinkedList<string> _list = [];
    private string? _value, _grown;
    private long? _counter;
    private int _serial;

    private string ValueKey => $"{name}:v";
    private string CounterKey => $"{name}:n";
    private string GrownKey => $"{name}:g";
    private string ListKey => $"{name}:l";

    /// <summary>A key that exists, and the raw reply to GET or LRANGE.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Expected()
    {
        if (_value is not null) yield return new(ValueKey, RespClient.Bulk(_value));
        if (_counter is not null) yield return new(CounterKey, RespClient.Bulk($"{_counter}"));
        if (_grown is not null) yield return new(GrownKey, RespClient.Bulk(_grown));
        if (_list.Count > 0) yield return new(ListKey, $"*{_list.Count}\r\n{string.Concat(_list.Select(RespClient.Bulk))}");
    }

    /// <summary>Some requests, alone or in one piece; each answer must be the one that is known.</summary>
    internal void Round(RespClient client, Action<long> answered)
    {
        int kind = random.Next(10);
        int count = kind switch { 0 => random.Next(2, 60), 1 => 2, _ => 1 };
        var requests = new StringBuilder();
        var replies = new List<string>();
        if (kind == 1) Transaction(requests, replies);
        else for (int i = 0; i < count; i++) replies.Add(Request(requests));
        long begin = Stopwatch.GetTimestamp();
        client.SendRaw(requests.ToString());
        foreach (string reply in replies)
        {
            string got = client.Read();
            if (got != reply) throw new DrillFailure($"to {RespClient.Shorten(requests.ToString())}: expected {RespClient.Shorten(reply)}, got {RespClient.Shorten(got)}");
            answered(begin);
        }
    }

    /// <summary>After a connection that was closed by name: whether its last requests were made is unknown.</summary>
    internal void Forget(RespClient client)
    {
        client.Ok("DEL", ValueKey, CounterKey, GrownKey, ListKey);
        _value = _grown = null;
        _counter = null;
        _list.Clear();
    }

    private void Transaction(StringBuilder requests, List<string> replies)
    {
        int size = random.Next(1, 6);
        var results = new StringBuilder($"*{size}\r\n");
        RespClient.Append(requests, "MULTI");
        replies.Add("+OK\r\n");
        for (int i = 0; i < size; i++)
        {
            results.Append(Request(requests));
            replies.Add("+QUEUED\r\n");
        }
        RespClient.Append(requests, "EXEC");
        replies.Add(results.ToString());
    }

    /// <summary>Appends one request; returns its answer.</summary>
    private string Request(StringBuilder requests)
    {
        switch (random.Next(8))
        {
            case 0 or 1:
                _value = Value();
                RespClient.Append(requests, "SET", ValueKey, _value);
                return "+OK\r\n";
            case 2:
                RespClient.Append(requests, "GET", ValueKey);
                return _value is null ? "$-1\r\n" : RespClient.Bulk(_value);
            case 3 or 4:
                _counter = (_counter ?? 0) + 1;
                RespClient.Append(requests, "INCR", CounterKey);
                return $":{_counter}\r\n";
            case 5 when _grown?.Length > 4000:
                _grown = null;
                RespClient.Append(requests, "DEL", GrownKey);
                return ":1\r\n";
            case 5:
                string piece = $"<{_serial++}>";
                _grown += piece;
                RespClient.Append(requests, "APPEND", GrownKey, piece);
                return $":{_grown.Length}\r\n";
            case 6 when _list.Count < 30:
                string item = $"{_serial++}";
                _list.AddFirst(item);
                RespClient.Append(requests, "LPUSH", ListKey, item);
                return $":{_list.Count}\r\n";
            default:
                RespClient.Append(requests, "LPOP", ListKey);
                if (_list.First is not { } first) return "$-1\r\n";
                _list.RemoveFirst();
                return RespClient.Bulk(first.Value);
        }
    }

    /// <summary>Mostly short; some take several reads and writes.</summary>
    private string Value()
    {
        int length = random.Next(100) switch { < 80 => random.Next(100), < 97 => random.Next(20_000), _ => random.Next(400_000) };
        return $"{_serial++}:{new string((char)('a' + _serial % 26), length)}";
    }
}
