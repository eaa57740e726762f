using System.Globalization;
using System.Text;

namespace Mvedsua.Drill.Kv;

/// <summary>Which commands clients may use: each release has those of the one before, but for what it dropped.</summary>
internal enum KvCommands
{
    /// <summary>Of 1.0 and 1.1.</summary>
    Texts,

    /// <summary>Of 2.0: numbers, too.</summary>
    Typed,

    /// <summary>Of 3.0: without PUT.</summary>
    WithoutPut,
}

/// <summary>What one client knows of the keys that it alone uses: every value, its type, and in which order they were used last.</summary>
internal sealed class KvKeys(string prefix, Random random)
{
    private const int Keys = 60;
    private readonly Dictionary<string, LinkedListNode<Item>> _items = [];
    private readonly LinkedList<Item> _newestFirst = [];
    private int _serial;

    private sealed record Item(string Key, string Value, bool IsNumber);

    /// <summary>Several shards each have an order of their own: SCAN's answers are compared without it.</summary>
    internal bool InShards { get; init; }

    internal int Count => _items.Count;

    internal string Prefix => prefix;

    /// <summary>Adds a random request, ended by a newline, and the check of each line of its answer: null when it is right.</summary>
    internal void Next(KvCommands commands, StringBuilder requests, List<Func<string, string?>> answers)
    {
        string key = $"{prefix}{random.Next(Keys)}";
        LinkedListNode<Item>? node = _items.GetValueOrDefault(key);
        void Request(string request, string answer)
        {
            requests.Append(request).Append('\n');
            answers.Add(Is(answer));
        }
        switch (random.Next(commands == KvCommands.Texts ? 16 : 20))
        {
            case < 5:
                string value = Value();
                Put(key, value, isNumber: false);
                Request($"{(commands == KvCommands.WithoutPut || (commands == KvCommands.Typed && random.Next(2) == 0) ? "SET" : "PUT")} {key} {value}", "OK");
                break;
            case < 10:
                if (node is not null) Put(key, node.Value.Value, node.Value.IsNumber);
                Request($"GET {key}", node is null ? "NONE" : $"VALUE {node.Value.Value}");
                break;
            case < 12:
                Request($"DEL {key}", node is null ? "NONE" : "OK");
                Remove(key);
                break;
            case 12:
                Append(key, node, Request);
                break;
            case 13: /* so late that no test waits for it */
                Request($"EXPIRE {key} {random.Next(2) * 100_000_000}", node is null ? "NONE" : "OK");
                break;
            case 14:
                (string ping, string pong) = random.Next(2) == 0 ? ("PING", "PONG") : ("ping", "ERROR unknown command");
                Request(ping, pong);
                break;
            case 15:
                Scan(requests, answers);
                break;
            case 16 or 17:
                long number = random.NextInt64(long.MinValue, long.MaxValue);
                Put(key, Text(number), isNumber: true);
                Request($"PUT-number {key} {number}", "OK");
                break;
            case 18:
                Add(key, node, Request);
                break;
            default:
                Request($"TYPE {key}", node is null ? "NONE" : node.Value.IsNumber ? "TYPE number" : "TYPE text");
                break;
        }
    }

    /// <summary>The requests that delete every key, whose answers tell nothing; nothing is known to be there afterwards.</summary>
    internal string Forget()
    {
        _items.Clear();
        _newestFirst.Clear();
        return string.Concat(Enumerable.Range(0, Keys).Select(i => $"DEL {prefix}{i}\n"));
    }

    internal static int ForgottenAnswers => Keys;

    private static Func<string, string?> Is(string expected) => got => got == expected ? null : $"expected {Shorten(expected)}, got {Shorten(got)}";

    internal static string Shorten(string text) => text.Length > 100 ? $"{text[..100]}… ({text.Length} characters)" : text;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void Append(string key, LinkedListNode<Item>? node, Action<string, string> request)
    {
        string piece = $"<{_serial++}>";
        if (node is { Value.IsNumber: true }) request($"APPEND {key} {piece}", "ERROR not a text");
        else
        {
            string value = node?.Value.Value + piece;
            if (node is null) Put(key, value, isNumber: false);
            else node.Value = node.Value with { Value = value };
            request($"APPEND {key} {piece}", $"SIZE {value.Length}");
        }
    }

    private void Add(string key, LinkedListNode<Item>? node, Action<string, string> request)
    {
        long more = random.Next(-1000, 1000);
        if (node is null) request($"ADD {key} {more}", "NONE");
        else if (!node.Value.IsNumber) request($"ADD {key} {more}", "ERROR not a number");
        else
        {
            Int128 sum = (Int128)long.Parse(node.Value.Value, CultureInfo.InvariantCulture) + more;
            bool fits = sum >= long.MinValue && sum <= long.MaxValue;
            if (fits) node.Value = node.Value with { Value = Text((long)sum) };
            request($"ADD {key} {more}", fits ? $"NUMBER {sum}" : "ERROR number too large");
        }
    }

    private void Scan(StringBuilder requests, List<Func<string, string?>> answers)
    {
        string[] keys = [.. _newestFirst.Select(item => $"KEY {item.Key}")];
        requests.Append(CultureInfo.InvariantCulture, $"SCAN {prefix}\n");
        if (InShards)
        {
            var left = new HashSet<string>(keys);
            answers.AddRange(keys.Select(_ => (Func<string, string?>)(got => left.Remove(got) ? null : $"SCAN: unknown, or twice: {Shorten(got)}")));
        }
        else answers.AddRange(keys.Select(Is));
        answers.Add(Is("END"));
    }

    private void Put(string key, string value, bool isNumber)
    {
        Remove(key);
        _items[key] = _newestFirst.AddFirst(new Item(key, value, isNumber));
    }

    private void Remove(string key)
    {
        if (_items.Remove(key, out LinkedListNode<Item>? node)) _newestFirst.Remove(node);
    }

    /// <summary>Mostly short; some take several reads and writes.</summary>
    private string Value()
    {
        int length = random.Next(200) switch { < 170 => random.Next(100), < 197 => random.Next(20_000), _ => random.Next(400_000) };
        return $"{_serial++}: {new string((char)('a' + _serial % 26), length)}.";
    }
}
