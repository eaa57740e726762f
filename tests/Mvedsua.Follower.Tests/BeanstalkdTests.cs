using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>beanstalkd with its binlog, written and synced at every job.</summary>
public sealed class BeanstalkdTests : ConfiguredServers
{
    [Fact]
    public void Clients_see_the_same_bytes_natively_solo_followed_and_after_a_failover() =>
        ToldTheSame(Beanstalkd, server => new Client(server.Port, 0), (client, round) => client.Exchange(1 + 2 * round));

    [Fact]
    public void Kills_under_load_lose_and_repeat_no_job_and_leave_an_exact_binlog()
    {
        RedisUnderMvedsua server = Beanstalkd(RedisUnderMvedsua.Mode.Followed);
        var kept = new List<string>();
        using var load = new ManyClients(6, number => new Client(server.Port, number, kept));
        load.Drill(server, 5 * Host.Rounds, 300);
        load.Finish();
        server.InStep();
        /* What was put and not deleted a fresh server reads back from the binlog: these jobs, each once. */
        string folder = server.Folder;
        RedisUnderMvedsua again = Start(RedisUnderMvedsua.Mode.Native, server: ["/usr/bin/beanstalkd", "-l", "127.0.0.1", "-p", "{port}", "-b", "{folder}/copy"],
            prepare: s =>
            {
                Directory.CreateDirectory(Path.Combine(s.Folder, "copy"));
                foreach (string file in Directory.EnumerateFiles(Path.Combine(folder, "binlog"), "binlog.*"))
                    File.Copy(file, Path.Combine(s.Folder, "copy", Path.GetFileName(file)));
            });
        again.Answers();
        using var reader = new Client(again.Port, 0);
        Assert.Equal(kept.Order(StringComparer.Ordinal), reader.Everything("kept", kept.Count).Order(StringComparer.Ordinal));
        Assert.Equal("TIMED_OUT", reader.Say("reserve-with-timeout 0"));
    }

    private RedisUnderMvedsua Beanstalkd(RedisUnderMvedsua.Mode mode) =>
        StartConfigured(mode, ["/usr/bin/beanstalkd", "-l", "127.0.0.1", "-p", "{port}", "-b", "{folder}/binlog", "-f", "0"],
            s => Directory.CreateDirectory(Path.Combine(s.Folder, "binlog")));

    /// <summary>A tube of its own, in which it puts, reserves, and deletes or keeps jobs.</summary>
    private sealed class Client : ManyClients.IClient
    {
        private readonly TcpClient _client;
        private readonly StreamReader _reader;
        private readonly int _number;
        private readonly List<string>? _kept;
        private int _round;

        internal Client(int port, int number, List<string>? kept = null)
        {
            _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = 20_000 };
            _reader = new StreamReader(_client.GetStream(), Encoding.Latin1);
            _number = number;
            _kept = kept;
            Expect($"WATCHING 2", $"watch t{number}");
            Expect($"WATCHING 1", "ignore default");
        }

        internal string Say(string command)
        {
            _client.GetStream().Write(Encoding.ASCII.GetBytes(command + "\r\n"));
            return _reader.ReadLine() ?? throw new EndOfStreamException($"closed at {command}");
        }

        internal IEnumerable<string> Exchange(int from)
        {
            foreach (string command in (string[])[$"use t{_number}", $"put 7 0 60 5\r\njob-{from}", "put 3 0 60 3\r\nabc", "reserve", $"release {from + 1} 1 0", "peek-ready", $"bury {from + 1}",
                "reserve", $"delete {from + 1}", $"delete {from}", "reserve-with-timeout 0", "kick 5", "stats-job 99", "list-tube-used", "nonsense"])
            {
                string answer = Say(command);
                yield return answer;
                if (answer.StartsWith("RESERVED", StringComparison.Ordinal) || answer.StartsWith("FOUND", StringComparison.Ordinal)) yield return _reader.ReadLine()!;
            }
        }

        internal IEnumerable<string> Everything(string tube, int count)
        {
            Say($"watch {tube}");
            for (int i = 0; i < count; i++)
            {
                Assert.StartsWith("RESERVED", Say("reserve-with-timeout 2"));
                yield return _reader.ReadLine()!;
            }
        }

        public void Ask()
        {
            string body = $"{_number}.{_round}.{new string('x', _round * 37 % 3000)}";
            Expect($"USING t{_number}", $"use t{_number}");
            long put = Id(Say($"put 1 0 60 {body.Length}\r\n{body}"), "INSERTED");
            Expect($"RESERVED {put} {body.Length}", "reserve");
            string read = _reader.ReadLine()!;
            if (read != body) throw new InvalidDataException($"job {put} is {read.Length} bytes, not {body.Length}");
            Expect("DELETED", $"delete {put}");
            if (_round++ % 16 != 0 || _kept is null) return;
            Expect("USING kept", "use kept");
            Id(Say($"put 1 0 60 {body.Length}\r\n{body}"), "INSERTED");
            lock (_kept) _kept.Add(body);
        }

        public void Dispose() => _client.Dispose();

        private void Expect(string answer, string command)
        {
            string got = Say(command);
            if (got != answer) throw new InvalidDataException($"{command} was answered {got}, not {answer}");
        }

        private static long Id(string answer, string word) => answer.StartsWith(word + " ", StringComparison.Ordinal)
            ? long.Parse(answer[(word.Length + 1)..], CultureInfo.InvariantCulture)
            : throw new InvalidDataException($"{answer} instead of {word}");
    }
}
