using System.Globalization;
using System.Text;

namespace Mvedsua.Bench.Tests.OpenLoad;

/// <summary>What a server must answer, by an implementation that shares nothing with the load generator. Requests come whole.</summary>
internal abstract class ModelServer
{
    internal static ModelServer Create(string protocol) => protocol switch
    {
        "resp" => new Redis(),
        "memcached" => new Memcached(),
        "http" => new Web(),
        _ => new Beanstalkd(),
    };

    /// <param name="request">One request, in Latin-1.</param>
    internal abstract string Answer(string request);

    private sealed class Redis : ModelServer
    {
        private readonly Dictionary<string, string> _values = [];

        internal override string Answer(string request)
        {
            var words = new List<string>();
            var at = 0;
            string Line()
            {
                var end = request.IndexOf("\r\n", at, StringComparison.Ordinal);
                var line = request[at..end];
                at = end + 2;
                return line;
            }

            var count = int.Parse(Line().TrimStart('*'), CultureInfo.InvariantCulture);
            for (var i = 0; i < count; i++)
            {
                var length = int.Parse(Line().TrimStart('$'), CultureInfo.InvariantCulture);
                words.Add(Line());
                Assert.Equal(length, words[^1].Length);
            }

            Assert.Equal(request.Length, at);
            if (words[0] == "GET") return _values.TryGetValue(words[1], out var value) ? $"${value.Length}\r\n{value}\r\n" : "$-1\r\n";
            Assert.Equal("SET", words[0]);
            _values[words[1]] = words[2];
            return "+OK\r\n";
        }
    }

    private sealed class Memcached : ModelServer
    {
        private readonly Dictionary<string, (string Flags, string Value)> _values = [];

        internal override string Answer(string request)
        {
            var lines = request.Split("\r\n");
            var words = lines[0].Split(' ');
            if (words[0] == "get")
                return _values.TryGetValue(words[1], out var found) ? $"VALUE {words[1]} {found.Flags} {found.Value.Length}\r\n{found.Value}\r\nEND\r\n" : "END\r\n";
            Assert.Equal("set", words[0]);
            Assert.Equal(lines[1].Length, int.Parse(words[4], CultureInfo.InvariantCulture));
            _values[words[1]] = (words[2], lines[1]);
            return "STORED\r\n";
        }
    }

    private sealed class Web : ModelServer
    {
        private int _answers;

        internal override string Answer(string request)
        {
            Assert.StartsWith("GET /check HTTP/1.1\r\n", request, StringComparison.Ordinal);
            Assert.EndsWith("\r\n\r\n", request, StringComparison.Ordinal);
            var length = _answers++ % 2 == 0 ? "Content-Length: 4096" : "content-length:4096";
            return $"HTTP/1.1 200 OK\r\nDate: {new string('x', _answers % 7)}\r\n{length}\r\nServer: model\r\n\r\n" + Page();
        }
    }

    internal static string Page() => string.Concat(Enumerable.Range(0, 4096).Select(i => (char)('a' + i % 26)));

    /// <summary>Ids go up by more than one: others put jobs, too.</summary>
    private sealed class Beanstalkd : ModelServer
    {
        private readonly SortedDictionary<long, (string Tube, string Body)> _ready = [];
        private readonly HashSet<long> _reserved = [];
        private readonly HashSet<string> _watched = ["default"];
        private string _used = "default";
        private long _id = 8;

        internal override string Answer(string request)
        {
            var lines = request.Split("\r\n");
            var words = lines[0].Split(' ');
            switch (words[0])
            {
                case "use":
                    _used = words[1];
                    return $"USING {_used}\r\n";
                case "watch":
                    _watched.Add(words[1]);
                    return $"WATCHING {_watched.Count}\r\n";
                case "ignore":
                    _watched.Remove(words[1]);
                    return $"WATCHING {_watched.Count}\r\n";
                case "put":
                    Assert.Equal(lines[1].Length, int.Parse(words[4], CultureInfo.InvariantCulture));
                    _ready[_id += 1 + _id % 3] = (_used, lines[1]);
                    return $"INSERTED {_id}\r\n";
                case "reserve":
                    var (id, job) = _ready.First(j => _watched.Contains(j.Value.Tube));
                    _ready.Remove(id);
                    _reserved.Add(id);
                    return $"RESERVED {id} {job.Body.Length}\r\n{job.Body}\r\n";
                default:
                    Assert.Equal("delete", words[0]);
                    return _reserved.Remove(long.Parse(words[1], CultureInfo.InvariantCulture)) ? "DELETED\r\n" : "NOT_FOUND\r\n";
            }
        }
    }
}
