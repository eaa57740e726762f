using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>lighttpd: files by sendfile and by mmap, CGI programs, chunked and large answers, large uploads, its access log.</summary>
public sealed partial class LighttpdTests : ConfiguredServers
{
    private const string Script = """
        #!/bin/sh
        printf 'Content-Type: text/plain\r\n\r\n'
        echo "$REQUEST_METHOD"
        exec sha256sum
        """;

    private readonly WebRoot _root = new();
    private readonly byte[] _upload = RandomNumberGenerator.GetBytes(700_000);

    public LighttpdTests() => _root.Add("hash.cgi", Script + "\n", "755");

    [Theory]
    [InlineData("sendfile")]
    [InlineData("writev")] /* by mmap where it can */
    public void Clients_see_the_same_bytes_natively_solo_followed_and_after_a_failover(string backend) =>
        ToldTheSame(mode => Lighttpd(mode, backend), server => new HttpLine(server.Port), (line, _) => Exchange(line));

    [Theory]
    [InlineData("sendfile", "")]
    [InlineData("writev", "server.username = \"www-data\"\nserver.groupname = \"www-data\"")]
    public void Kills_under_load_lose_no_request_and_no_line_of_the_access_log(string backend, string more)
    {
        Assert.SkipWhen(more.Length > 0 && !Environment.IsPrivilegedProcess, "only root may become somebody else");
        RedisUnderMvedsua server = Lighttpd(RedisUnderMvedsua.Mode.Followed, backend, more);
        List<string> asked = [];
        using var load = new ManyClients(6, number => new HttpClients(server.Port, number, asked, Next));
        load.Drill(server, 4 * Host.Rounds, 150);
        load.Finish();
        server.InStep();
        string log = Path.Combine(server.Folder, "access.log");
        Host.Until(() => File.ReadLines(log).Count() >= asked.Count, "the access log is flushed");
        Assert.Equal(asked.Order(StringComparer.Ordinal), File.ReadLines(log).Select(l => Logged().Match(l).Groups[1].Value).Order(StringComparer.Ordinal));
    }

    public override void Dispose()
    {
        base.Dispose();
        _root.Dispose();
    }

    private HttpRequest Next(int number, int round) => ((number + round) % 8) switch
    {
        0 => new HttpRequest("GET", "/large.bin", null, 200, _root.Large),
        1 => new HttpRequest("POST", "/hash.cgi", _upload, 200, Hashed("POST", _upload)),
        2 => new HttpRequest("GET", "/hash.cgi", null, 200, Hashed("GET", [])),
        3 => new HttpRequest("GET", "/large.bin", null, 206, _root.Large[1000..200_000], "Range: bytes=1000-199999\r\n"),
        _ => new HttpRequest("GET", "/small.txt", null, 200, _root.Small),
    };

    private IEnumerable<string> Exchange(HttpLine line)
    {
        foreach (HttpRequest request in Enumerable.Range(0, 8).Select(i => Next(0, i)).Append(new HttpRequest("GET", "/none", null, 404, [])))
        {
            HttpLine.Answer answer = line.Ask(request.Method, request.Target, request.Body, request.Headers);
            yield return $"{request.Target}\n{answer.Head}{Convert.ToHexString(SHA256.HashData(answer.Body))}";
        }
    }

    private static byte[] Hashed(string method, byte[] body) => Encoding.ASCII.GetBytes($"{method}\n{Convert.ToHexStringLower(SHA256.HashData(body))}  -\n");

    private RedisUnderMvedsua Lighttpd(RedisUnderMvedsua.Mode mode, string backend, string more = "") =>
        StartConfigured(mode, ["/usr/sbin/lighttpd", "-D", "-f", "{folder}/lighttpd.conf"], "lighttpd.conf", s => $"""
            server.port = {s.Port}
            server.bind = "127.0.0.1"
            server.document-root = "{_root.Folder}"
            server.modules = ("mod_accesslog", "mod_cgi")
            server.network-backend = "{backend}"
            server.upload-dirs = ("{s.Folder}")
            accesslog.filename = "{s.Folder}/access.log"
            server.errorlog = "{s.Folder}/error.log"
            cgi.assign = (".cgi" => "")
            {more}
            """);

    [GeneratedRegex("\"((?:GET|POST) [^ ]*) HTTP/1.1\"")]
    private static partial Regex Logged();
}
