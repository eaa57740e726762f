using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>memcached with one thread and with four, and all its maintenance threads.</summary>
public sealed class MemcachedTests : ConfiguredServers
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Clients_see_the_same_bytes_natively_solo_followed_and_after_a_failover(int threads) =>
        ToldTheSame(mode => Memcached(mode, threads), server => new Client(server.Port, 0), (client, _) => client.Exchange());

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_kill_under_load_loses_and_repeats_no_request(int threads)
    {
        for (int round = 0; round < 3 * Host.Rounds; round++)
        {
            RedisUnderMvedsua server = Memcached(RedisUnderMvedsua.Mode.Followed, threads);
            using var load = new ManyClients(6, number => new Client(server.Port, number));
            load.More(300 + 317 * round);
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            load.More(300);
            load.Finish();
        }
    }

    /// <summary>Its hash table is doubled by whoever wakes the thread that waits for that order.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Followers_that_come_under_load_after_failovers_stay_in_step_and_the_hash_table_does_not_grow(int threads)
    {
        RedisUnderMvedsua server = Memcached(RedisUnderMvedsua.Mode.Followed, threads);
        using var load = new ManyClients(6, number => new Client(server.Port, number));
        for (int round = 0; round < 4 * Host.Rounds; round++)
        {
            load.More(300);
            server.InStepUnderLoad();
            int leader = server.LeaderPid;
            Host.Kill(leader, Host.SIGKILL);
            server.PromotedFrom(leader);
            server.Follow();
        }
        load.More(300);
        load.Finish();
        server.InStep();
        using var client = new Client(server.Port, 0);
        Assert.Contains("STAT hash_power_level 16", client.Stats());
        Assert.Contains("STAT hash_is_expanding 0", client.Stats());
    }

    /// <summary>What was stored a minute before is moved up in its list at the next access: a lock more, or none. Only with
    /// MVEDSUA_ROUNDS above 1, because of its length.</summary>
    [Fact]
    public void A_follower_is_in_step_when_items_come_of_age()
    {
        Assert.SkipUnless(Host.Rounds > 1, "takes 75 s: MVEDSUA_ROUNDS=2");
        RedisUnderMvedsua server = Memcached(RedisUnderMvedsua.Mode.Followed, 4);
        using var load = new ManyClients(4, number => new Client(server.Port, number));
        long begin = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalSeconds < 75)
        {
            load.More(100);
            server.InStepUnderLoad();
        }
        load.Finish();
        Host.Until(() => server.Status().GetProperty("lag").GetProperty("events").GetInt64() == 0, "the backlog is replayed", 120);
        server.InStep();
    }

    private RedisUnderMvedsua Memcached(RedisUnderMvedsua.Mode mode, int threads) =>
        StartConfigured(mode, ["/usr/bin/memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", "{port}", "-U", "0", "-m", "64", "-t", $"{threads}"], _ => { });

    /// <summary>Keys of its own, each of whose values it knows; a new connection now and then.</summary>
    private sealed class Client : ManyClients.IClient
    {
        private readonly Dictionary<string, string> _known = [];
        private readonly Random _random;
        private readonly int _port, _number;
        private TcpClient _client;
        private StreamReader _reader;
        private int _asked;

        internal Client(int port, int number)
        {
            (_port, _number, _random) = (port, number, new Random(number));
            (_client, _reader) = Connected();
        }

        internal List<string> Stats()
        {
            Say("stats");
            List<string> lines = [];
            while (_reader.ReadLine() is { } line && line != "END") lines.Add(line);
            return lines;
        }

        internal IEnumerable<string> Exchange()
        {
            string large = new('x', 300_000);
            foreach ((string command, int lines) in ((string, int)[])
                     [("set a 7 0 5\r\nhello", 1), ("get a b", 3), ("gets a", 3), ("add a 0 0 1\r\nx", 1), ("replace a 1 0 3\r\nabc", 1), ("append a 0 0 2\r\nde", 1),
                      ("prepend a 0 0 1\r\n_", 1), ("get a", 3), ("cas a 0 0 1 999999\r\nx", 1), ("set n 0 0 2\r\n10", 1), ("incr n 5", 1), ("decr n 100", 1), ("incr a 1", 1),
                      ("touch a 100", 1), ("gat 200 a", 3), ($"set large 0 0 {large.Length}\r\n{large}", 1), ("get large", 3), ("delete large", 1), ("delete large", 1),
                      ("mg a s v", 2), ("ms m 2\r\nhi", 1), ("md m q\r\nmn", 1), ("verbosity 0", 1), ("version", 1), ("nonsense", 1), ("get", 1), ("delete a", 1)])
            {
                Say(command);
                for (int i = 0; i < lines; i++) yield return $"{command[..Math.Min(command.Length, 40)]}: {_reader.ReadLine()}";
            }
        }

        public void Ask()
        {
            if (++_asked % 100 == 0)
            {
                Dispose();
                (_client, _reader) = Connected();
            }
            string key = $"k{_number}.{_random.Next(100)}";
            bool known = _known.TryGetValue(key, out string? value);
            switch (_random.Next(5))
            {
                case 0:
                    value = new string((char)('a' + _random.Next(26)), 1 + _random.Next(5000));
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
                    string counter = $"n{_number}";
                    long count = _known.TryGetValue(counter, out string? before) ? long.Parse(before, CultureInfo.InvariantCulture) + 1 : 1;
                    Expect(count == 1 ? "STORED" : $"{count}", count == 1 ? $"set {counter} 0 0 1\r\n1" : $"incr {counter} 1");
                    _known[counter] = $"{count}";
                    break;
                default:
                    Expect(known ? $"VALUE {key} 0 {value!.Length}" : "END", $"get {key}");
                    if (!known) break;
                    string? got = _reader.ReadLine();
                    if (got != value) throw new InvalidDataException($"{key} is {got?.Length} bytes, not {value!.Length}");
                    if (_reader.ReadLine() != "END") throw new InvalidDataException("no END");
                    break;
            }
        }

        public void Dispose()
        {
            _reader.Dispose();
            _client.Dispose();
        }

        private (TcpClient, StreamReader) Connected()
        {
            var client = new TcpClient("127.0.0.1", _port) { NoDelay = true, ReceiveTimeout = 20_000 };
            return (client, new StreamReader(client.GetStream(), Encoding.Latin1));
        }

        private void Say(string command) => _client.GetStream().Write(Encoding.ASCII.GetBytes(command + "\r\n"));

        private void Expect(string answer, string command)
        {
            Say(command);
            string? got = _reader.ReadLine();
            if (got != answer) throw new InvalidDataException($"{command[..Math.Min(command.Length, 40)]} was answered {got}, not {answer}");
        }
    }
}
