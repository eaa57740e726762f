using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Http;

/// <summary>A server of files with an access log: every request has a name of its own, and stands there once.</summary>
internal abstract partial class HttpServer(Random random) : IDrillServer
{
    private readonly byte[] _large = new byte[1_500_000];
    private readonly string _lines = string.Concat(Enumerable.Range(0, 4000).Select(i => $"line {i}\n"));

    /// <summary>Makes the server's configuration; its command.</summary>
    protected abstract string[] Configure(string folder, string root, int port);

    /// <summary>Requests that only this server is made, or null.</summary>
    protected abstract HttpRequest? Own(Random draw, bool childrenMayFail);

    /// <summary>What it leaves in its folder beside configuration and logs.</summary>
    protected abstract bool Intended(string file);

    /// <summary>The log is written as soon as a request is done, and not kept back.</summary>
    protected abstract bool LogsAtOnce { get; }

    public string[] Command(string folder, int port)
    {
        string root = Directory.CreateDirectory(Path.Combine(folder, "www")).FullName;
        random.NextBytes(_large);
        File.WriteAllText(Path.Combine(root, "small.txt"), "hello, world\n");
        File.WriteAllText(Path.Combine(root, "lines.txt"), _lines);
        File.WriteAllBytes(Path.Combine(root, "large.bin"), _large);
        return Configure(folder, root, port);
    }

    public bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public DrillLoad Load(int port, int seed) =>
        new ClientLoad<HttpClient>(6, (number, load) => new HttpClient(port, number, new Random(unchecked(seed * 31 + number)), draw => Next(draw, load)));

    private HttpRequest Next(Random draw, DrillLoad load)
    {
        if (draw.Next(4) == 0 && Own(draw, load.ChildrenMayFail) is { } own) return own;
        int from = draw.Next(_large.Length - 1), to = draw.Next(from, _large.Length - 1);
        return draw.Next(8) switch
        {
            0 => new HttpRequest("GET", "/large.bin", null, 200, _large),
            1 => new HttpRequest("GET", "/large.bin", null, 206, _large[from..(to + 1)], $"Range: bytes={from}-{to}\r\n"),
            2 => new HttpRequest("GET", "/lines.txt", null, 200, Encoding.ASCII.GetBytes(_lines)),
            _ => new HttpRequest("GET", "/small.txt", null, 200, Encoding.ASCII.GetBytes("hello, world\n")),
        };
    }

    public int ShutDown(int port, int leader)
    {
        Host.Kill(leader, Host.SIGTERM);
        return 0;
    }

    public void CheckFiles(string folder, DrillLoad load)
    {
        Account(folder, load, killed: false);
        string[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file))
            .Where(file => !file.StartsWith("mvedsua/", StringComparison.Ordinal) && !file.StartsWith("www/", StringComparison.Ordinal))
            .Where(file => file is not ("log" or "drill.log" or "access.log" or "error.log" or "server.conf") && !Intended(file))];
        if (files.Length > 0) throw new DrillFailure($"files that were not intended: {string.Join(", ", files)}");
    }

    public void CheckFilesAfterKill(string folder, DrillLoad load) => Account(folder, load, killed: true);

    /// <summary>Servers log behind the answer: one that is killed between the two has not logged the last one of each connection, one that
    /// keeps lines back even fewer; but nothing twice, and nothing that was not asked.</summary>
    private void Account(string folder, DrillLoad load, bool killed)
    {
        string text = File.ReadAllText(Path.Combine(folder, "access.log"));
        if (killed) text = text[..(text.LastIndexOf('\n') + 1)];
        List<string> logged = [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Logged().Match(line) is { Success: true } match
            ? match.Groups[1].Value : throw new DrillFailure($"a line of the access log is damaged: {line}"))];
        var left = new HashSet<string>(logged);
        if (left.Count != logged.Count) throw new DrillFailure($"logged twice: {string.Join(", ", logged.GroupBy(line => line).Where(group => group.Count() > 1).Select(group => group.Key))}");
        foreach (HttpClient client in ((ClientLoad<HttpClient>)load).Clients)
        {
            IEnumerable<string> missing = client.Asked.Where(line => !left.Remove(line)).ToArray();
            if (killed) missing = LogsAtOnce ? missing.Where(line => line != client.Asked[^1]) : [];
            if (missing.Any()) throw new DrillFailure($"not in the access log: {string.Join(", ", missing)}");
            left.ExceptWith(client.Doubtful);
        }
        if (left.Count > 0) throw new DrillFailure($"logged, but not asked: {string.Join(", ", left)}");
    }

    [GeneratedRegex("\"((?:GET|POST) [^ ]*) HTTP/1.1\"")]
    private static partial Regex Logged();

    public void Dispose()
    {
    }
}

/// <summary>One keep-alive connection.</summary>
internal sealed class HttpClient(int port, int number, Random random, Func<Random, HttpRequest> next) : DrillClient
{
    private readonly List<string> _asked = [], _doubtful = [];
    private HttpLine? _line;
    private string? _pending;
    private int _round;

    /// <summary>What was answered, in order.</summary>
    internal IReadOnlyList<string> Asked => _asked;

    /// <summary>What may have been answered.</summary>
    internal IEnumerable<string> Doubtful => _pending is null ? _doubtful : _doubtful.Append(_pending);

    internal override string? LastAsked => _asked.LastOrDefault();

    internal override void Connect()
    {
        Dispose();
        _line = new HttpLine(port);
    }

    internal override void Ask()
    {
        HttpRequest request = next(random);
        string target = $"{request.Target}?{number}.{_round++}";
        _pending = $"{request.Method} {target}";
        HttpLine.Answer answer = _line!.Ask(request.Method, target, request.Body, request.Headers);
        if (answer.Status != request.Status || !answer.Body.AsSpan().SequenceEqual(request.Expected))
            throw new DrillFailure($"{_pending} was answered {answer.Status} with {answer.Body.Length} bytes, not {request.Status} with {request.Expected.Length}:\n{answer.Head}");
        _asked.Add(_pending);
        _pending = null;
    }

    internal override void Lost()
    {
        if (_pending is not null) _doubtful.Add(_pending);
        _pending = null;
    }

    public override void Dispose() => _line?.Dispose();
}
