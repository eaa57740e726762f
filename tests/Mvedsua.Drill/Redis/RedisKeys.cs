using System.Diagnostics;
using System.Text;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Redis;

/// <summary>The keys that one connection alone writes, and so knows: a string, a counter, a string that grows, a list.</summary>
internal sealed class RedisKeys(string name, Random random)
{
    /// <summary>What the keys hold at one moment.</summary>
    private sealed record State(string? Value, long? Counter, string? Grown, string[] List);

    /// <summary>Before the requests that are on the way, and after each of their replies.</summary>
    private readonly List<State> _states = [new(null, null, null, [])];
    private int _acknowledged;
    private readonly LinkedList<string> _list = [];
    private string? _value, _grown;
    private long? _counter;
    private int _serial;

    private string ValueKey => $"{name}:v";
    private string CounterKey => $"{name}:n";
    private string GrownKey => $"{name}:g";
    private string ListKey => $"{name}:l";

    /// <summary>A key that exists, and the raw reply to GET or LRANGE.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Expected() => Replies(Now());

    /// <summary>The same for each state that a server may have left that was killed just now: with what it has acknowledged, and with some
    /// of what it has not.</summary>
    internal IEnumerable<Dictionary<string, string>> Possible() => _states.Skip(_acknowledged).Select(state => Replies(state).ToDictionary());

    internal string[] Names => [ValueKey, CounterKey, GrownKey, ListKey];

    private IEnumerable<KeyValuePair<string, string>> Replies(State state)
    {
        if (state.Value is not null) yield return new(ValueKey, RespClient.Bulk(state.Value));
        if (state.Counter is not null) yield return new(CounterKey, RespClient.Bulk($"{state.Counter}"));
        if (state.Grown is not null) yield return new(GrownKey, RespClient.Bulk(state.Grown));
        if (state.List.Length > 0) yield return new(ListKey, $"*{state.List.Length}\r\n{string.Concat(state.List.Select(RespClient.Bulk))}");
    }

    private State Now() => new(_value, _counter, _grown, [.. _list]);

    /// <summary>Some requests, alone or in one piece; each answer must be the one that is known.</summary>
    internal void Round(RespClient client, Action<long> answered)
    {
        int kind = random.Next(10);
        int count = kind switch { 0 => random.Next(2, 60), 1 => 2, _ => 1 };
        var requests = new StringBuilder();
        var replies = new List<string>();
        Begin();
        if (kind == 1) Transaction(requests, replies);
        else
            for (int i = 0; i < count; i++)
            {
                replies.Add(Request(requests));
                _states.Add(Now());
            }
        long begin = Stopwatch.GetTimestamp();
        client.SendRaw(requests.ToString());
        foreach (string reply in replies)
        {
            string got = client.Read();
            if (got != reply) throw new DrillFailure($"to {RespClient.Shorten(requests.ToString())}: expected {RespClient.Shorten(reply)}, got {RespClient.Shorten(got)}");
            _acknowledged++;
            answered(begin);
        }
    }

    private void Begin()
    {
        _states.Clear();
        _states.Add(Now());
        _acknowledged = 0;
    }

    /// <summary>After a connection that was closed by name: whether its last requests were made is unknown.</summary>
    internal void Forget(RespClient client)
    {
        client.Ok("DEL", ValueKey, CounterKey, GrownKey, ListKey);
        _value = _grown = null;
        _counter = null;
        _list.Clear();
        Begin();
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
        for (int i = 0; i <= size; i++) _states.Add(_states[0]); /* all of it happens at EXEC */
        _states.Add(Now());
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
