using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>nginx: one process, or a master that is followed and its worker, which is not.</summary>
public sealed partial class NginxTests : ServerTests
{
    private readonly string _root = Directory.CreateTempSubdirectory("mvedsua-www-").FullName;
    private readonly byte[] _large = RandomNumberGenerator.GetBytes(3_000_000);
    private readonly string _text = string.Concat(Enumerable.Range(0, 4000).Select(i => $"line {i}\n"));

    public NginxTests()
    {
        File.WriteAllText(Path.Combine(_root, "small.txt"), "hello, world\n");
        File.WriteAllText(Path.Combine(_root, "lines.txt"), _text);
        File.WriteAllBytes(Path.Combine(_root, "large.bin"), _large);
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(_root, (UnixFileMode)Convert.ToInt32("755", 8));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clients_see_the_same_bytes_natively_solo_followed_and_after_a_failover(bool worker)
    {
        List<string> Told(RedisUnderMvedsua.Mode mode)
        {
            RedisUnderMvedsua server = Nginx(mode, worker);
            using var line = new HttpLine(server.Port);
            List<string> told = [.. Exchange(line)];
            if (mode == RedisUnderMvedsua.Mode.Followed)
            {
                server.InStep();
                int leader = server.LeaderPid;
                Host.Kill(leader, Host.SIGKILL);
                server.PromotedFrom(leader);
                Assert.Equal(told, Exchange(line)); /* on the same connection */
                server.Follow();
            }
            Assert.Equal(told, Exchange(line));
            if (mode == RedisUnderMvedsua.Mode.Followed) server.InStep();
            return told;
        }
        List<string> native = Told(RedisUnderMvedsua.Mode.Native);
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Solo));
        Assert.Equal(native, Told(RedisUnderMvedsua.Mode.Followed));
    }

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
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>The pid of the worker, as it says itself.</summary>
    private static int Worker(RedisUnderMvedsua server)
    {
        using var line = new HttpLine(server.Port);
        return int.Parse(Encoding.ASCII.GetString(line.Get("/pid").Body));
    }

    private HttpRequest Next(int number, int round) => ((number + round) % 6) switch
    {
        0 => new HttpRequest("GET", "/large.bin", null, 200, _large),
        1 => new HttpRequest("GET", "/large.bin", null, 206, _large[1000..200_000], "Range: bytes=1000-199999\r\n"),
        2 => new HttpRequest("GET", "/lines.txt", null, 200, Encoding.ASCII.GetBytes(_text)),
        _ => new HttpRequest("GET", "/small.txt", null, 200, Encoding.ASCII.GetBytes("hello, world\n")),
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

    private RedisUnderMvedsua Nginx(RedisUnderMvedsua.Mode mode, bool worker)
    {
        RedisUnderMvedsua server = Start(mode, server: ["/usr/sbin/nginx", "-p", "{folder}", "-e", "{folder}/error.log", "-c", "{folder}/nginx.conf"], prepare: s =>
        {
            if (OperatingSystem.IsLinux()) File.SetUnixFileMode(s.Folder, (UnixFileMode)Convert.ToInt32("777", 8));
            string places = string.Join(' ', ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(place => $"{place}_temp_path {s.Folder}/{place};"));
            File.WriteAllText(Path.Combine(s.Folder, "nginx.conf"), $$"""
                daemon off; {{(worker ? "worker_processes 1;" : "master_process off;")}} pid {{s.Folder}}/pid;
                {{(Environment.IsPrivilegedProcess ? "user www-data;" : "")}}
                events { worker_connections 64; }
                http {
                    access_log {{s.Folder}}/access.log; sendfile on; gzip on; gzip_types text/plain; types { text/plain txt; } {{places}}
                    limit_req_zone $binary_remote_addr zone=everybody:1m rate=100000r/s;
                    server { listen 127.0.0.1:{{s.Port}}; root {{_root}}; limit_req zone=everybody burst=1000 nodelay; location /pid { return 200 $pid; } }
                }
                """);
        });
        server.Answers();
        return server;
    }

    [GeneratedRegex("\"((?:GET|POST) [^ ]*) HTTP/1.1\"")]
    private static partial Regex Logged();
}
