using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>nginx: one process, or a master that is followed and its worker, which is not.</summary>
public sealed partial class NginxTests : ConfiguredServers
{
    private readonly WebRoot _root = new();
    private readonly string _text = string.Concat(Enumerable.Range(0, 4000).Select(i => $"line {i}\n"));

    public NginxTests() => _root.Add("lines.txt", _text);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clients_see_the_same_bytes_natively_solo_followed_and_after_a_failover(bool worker) =>
        ToldTheSame(mode => Nginx(mode, worker), server => new HttpLine(server.Port), (line, _) => Exchange(line));

    [Fact]
    public void Kills_under_load_lose_no_request_and_no_line_of_the_access_log()
    {
        RedisUnderMvedsua server = Nginx(RedisUnderMvedsua.Mode.Followed, worker: false);
        List<string> asked = [];
        using var load = new ManyClients(6, number => new HttpClients(server.Port, number, asked, Next));
        load.Drill(server, 4 * Host.Rounds, 200);
        load.Finish();
        server.InStep();
        Assert.Equal(asked.Order(StringComparer.Ordinal),
            File.ReadLines(Path.Combine(server.Folder, "access.log")).Select(l => Logged().Match(l).Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_worker_that_dies_is_replaced_by_the_followed_and_by_the_promoted_master()
    {
        RedisUnderMvedsua server = Nginx(RedisUnderMvedsua.Mode.Followed, worker: true);
        void Replaced(int dead)
        {
            Host.Kill(dead, Host.SIGKILL);
            Host.Until(() => { using var line = new HttpLine(server.Port); return Worker(server) != dead; }, "a new worker serves");
            using var client = new HttpLine(server.Port);
            Assert.Equal("hello, world\n", Encoding.ASCII.GetString(client.Get("/small.txt").Body));
        }
        Replaced(Worker(server));
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Contains("children of the dead leader keep the memory", server.Log); /* said, not passed over */
        Replaced(Worker(server));
        server.Follow();
        Replaced(Worker(server));
        server.InStep();
    }

    public override void Dispose()
    {
        base.Dispose();
        _root.Dispose();
    }

    /// <summary>The pid of the worker, as it says itself.</summary>
    private static int Worker(RedisUnderMvedsua server)
    {
        using var line = new HttpLine(server.Port);
        return int.Parse(Encoding.ASCII.GetString(line.Get("/pid").Body));
    }

    private HttpRequest Next(int number, int round) => ((number + round) % 6) switch
    {
        0 => new HttpRequest("GET", "/large.bin", null, 200, _root.Large),
        1 => new HttpRequest("GET", "/large.bin", null, 206, _root.Large[1000..200_000], "Range: bytes=1000-199999\r\n"),
        2 => new HttpRequest("GET", "/lines.txt", null, 200, Encoding.ASCII.GetBytes(_text)),
        _ => new HttpRequest("GET", "/small.txt", null, 200, _root.Small),
    };

    private IEnumerable<string> Exchange(HttpLine line)
    {
        foreach (HttpRequest request in Enumerable.Range(0, 6).Select(i => Next(0, i))
            .Append(new HttpRequest("GET", "/none", null, 404, []))
            .Append(new HttpRequest("POST", "/small.txt", new byte[300_000], 405, []))
            .Append(new HttpRequest("GET", "/lines.txt", null, 200, [], "Accept-Encoding: gzip\r\n"))) /* chunked */
        {
            HttpLine.Answer answer = line.Ask(request.Method, request.Target, request.Body, request.Headers);
            Assert.Equal(request.Status, answer.Status);
            yield return $"{request.Target}\n{answer.Head}{Convert.ToHexString(SHA256.HashData(answer.Body))}";
        }
    }

    private RedisUnderMvedsua Nginx(RedisUnderMvedsua.Mode mode, bool worker) =>
        StartConfigured(mode, ["/usr/sbin/nginx", "-p", "{folder}", "-e", "{folder}/error.log", "-c", "{folder}/nginx.conf"], "nginx.conf", s =>
        {
            string places = string.Join(' ', ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(place => $"{place}_temp_path {s.Folder}/{place};"));
            return $$"""
                daemon off; {{(worker ? "worker_processes 1;" : "master_process off;")}} pid {{s.Folder}}/pid;
                {{(Environment.IsPrivilegedProcess ? "user www-data;" : "")}}
                events { worker_connections 64; }
                http {
                    access_log {{s.Folder}}/access.log; sendfile on; gzip on; gzip_types text/plain; types { text/plain txt; } {{places}}
                    limit_req_zone $binary_remote_addr zone=everybody:1m rate=100000r/s;
                    server { listen 127.0.0.1:{{s.Port}}; root {{_root.Folder}}; limit_req zone=everybody burst=1000 nodelay; location /pid { return 200 $pid; } }
                }
                """;
        });

    [GeneratedRegex("\"((?:GET|POST) [^ ]*) HTTP/1.1\"")]
    private static partial Regex Logged();
}
