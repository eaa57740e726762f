using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Mvedsua.Follower.Tests;

/// <summary>haproxy before a lighttpd of its own: HTTP with kept connections, its stats socket, its log; a watchdog by timer_create.</summary>
public sealed partial class HaproxyTests : ConfiguredServers
{
    private readonly WebRoot _root = new();
    private readonly UdpClient _log = new(new IPEndPoint(IPAddress.Loopback, 0)) { Client = { ReceiveBufferSize = 8 << 20, ReceiveTimeout = 20_000 } };
    private RedisUnderMvedsua? _backend;

    [Fact]
    public void Clients_see_the_same_bytes_natively_solo_followed_and_after_a_failover() =>
        ToldTheSame(mode => Haproxy(mode), server => new HttpLine(server.Port), (line, _) => Exchange(line));

    [Fact]
    public void An_operator_is_told_the_same_at_the_stats_socket_natively_solo_followed_and_after_a_failover() =>
        ToldTheSame(mode => Haproxy(mode), server => new Operator(server.Folder), (asking, _) => ((string[])
            ["disable server back/s", "show servers state back", "set weight back/s 50%", "get weight back/s", "enable server back/s", "set weight back/s 100%",
             "show servers state back", "show backend", "show table", "nonsense"]).Select(asking.Ask));

    /// <summary>As Debian configures it, too: under another root directory and user.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Kills_under_load_lose_no_request_and_no_line_of_the_log(bool jailed)
    {
        Assert.SkipWhen(jailed && !Environment.IsPrivilegedProcess, "only root may change its root directory");
        RedisUnderMvedsua server = Haproxy(RedisUnderMvedsua.Mode.Followed, jailed: jailed);
        List<string> asked = [];
        using var load = new ManyClients(6, number => new HttpClients(server.Port, number, asked, Next));
        load.Drill(server, 4 * Host.Rounds, 150);
        load.Finish();
        server.InStep();
        if (jailed)
            foreach (int pid in (int[])[server.LeaderPid, server.FollowerPid])
                Assert.Equal(Jail(server), new DirectoryInfo($"/proc/{pid}/root").LinkTarget);
        List<string> logged = [];
        Host.Until(() =>
        {
            while (_log.Available > 0)
            {
                IPEndPoint? from = null;
                if (Logged().Match(Encoding.ASCII.GetString(_log.Receive(ref from))) is { Success: true } line) logged.Add(line.Groups[1].Value);
            }
            return logged.Count >= asked.Count;
        }, "the log is told");
        Assert.Equal(asked.Order(StringComparer.Ordinal), logged.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_server_that_has_forbidden_itself_to_make_processes_is_followed_from_its_start_and_then_refused_by_name()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only another user's processes are counted");
        RedisUnderMvedsua server = Haproxy(RedisUnderMvedsua.Mode.Followed, jailed: true, forks: false);
        using var line = new HttpLine(server.Port);
        server.InStep();
        int leader = server.LeaderPid;
        Host.Kill(leader, Host.SIGKILL);
        server.PromotedFrom(leader);
        Assert.Equal(_root.Small, line.Get("/small.txt").Body);
        Assert.Contains("RLIMIT_NPROC", server.Mvedsua("follow", RedisUnderMvedsua.Name).Errors);
        Assert.Equal(_root.Small, line.Get("/small.txt").Body);
    }

    /* The threads share the time of day and their queues by atomic words, whose order is not replayed. */
    [Fact]
    public void With_two_threads_it_is_followed_or_goes_on_alone_and_says_where_the_follower_parted()
    {
        RedisUnderMvedsua server = Haproxy(RedisUnderMvedsua.Mode.Followed, threads: 2);
        using (var load = new ManyClients(4, number => new HttpClients(server.Port, number, [], Next)))
        {
            load.More(200);
            load.Finish();
        }
        if (server.FollowerPid != 0) return;
        Assert.Contains("diverged from the leader", server.History);
        Assert.Contains("At event ", server.Report()); /* which call differs is a matter of chance */
        using var line = new HttpLine(server.Port);
        Assert.Equal(_root.Small, line.Get("/small.txt").Body);
    }

    public override void Dispose()
    {
        base.Dispose();
        _log.Dispose();
        _root.Dispose();
    }

    private HttpRequest Next(int number, int round) => ((number + round) % 5) switch
    {
        0 => new HttpRequest("GET", "/large.bin", null, 200, _root.Large),
        1 => new HttpRequest("GET", "/large.bin", null, 206, _root.Large[1000..200_000], "Range: bytes=1000-199999\r\n"),
        _ => new HttpRequest("GET", "/small.txt", null, 200, _root.Small),
    };

    private IEnumerable<string> Exchange(HttpLine line)
    {
        foreach (HttpRequest request in Enumerable.Range(0, 5).Select(i => Next(0, i))
            .Append(new HttpRequest("GET", "/none", null, 404, []))
            .Append(new HttpRequest("GET", "/denied", null, 403, []))
            .Append(new HttpRequest("POST", "/small.txt", new byte[300_000], 200, _root.Small)))
        {
            HttpLine.Answer answer = line.Ask(request.Method, request.Target, request.Body, request.Headers);
            Assert.Equal(request.Status, answer.Status);
            yield return $"{request.Target}\n{answer.Head}{Convert.ToHexString(SHA256.HashData(answer.Body))}";
        }
    }

    private RedisUnderMvedsua Haproxy(RedisUnderMvedsua.Mode mode, int threads = 1, bool jailed = false, bool forks = true)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/haproxy"), "haproxy is not installed");
        _backend ??= StartConfigured(RedisUnderMvedsua.Mode.Native, ["/usr/sbin/lighttpd", "-D", "-f", "{folder}/lighttpd.conf"], "lighttpd.conf", s => $"""
            server.port = {s.Port}
            server.bind = "127.0.0.1"
            server.document-root = "{_root.Folder}"
            """);
        return StartConfigured(mode, ["/usr/sbin/haproxy", "-db", "-f", "{folder}/haproxy.cfg"], "haproxy.cfg", s => $"""
            global
                nbthread {threads}
                {(jailed ? $"chroot {Jail(s)}\n    user haproxy\n    group haproxy{(forks ? "\n    insecure-fork-wanted" : "")}" : "")}
                stats socket {s.Folder}/stats level admin
                log 127.0.0.1:{((IPEndPoint)_log.Client.LocalEndPoint!).Port} local0
            defaults
                mode http
                log global
                option httplog
                timeout connect 20s
                timeout client 60s
                timeout server 60s
            frontend front
                bind 127.0.0.1:{s.Port}
                http-request deny if {"{ path /denied }"}
                default_backend back
            backend back
                server s 127.0.0.1:{_backend.Port}

            """);
    }

    private static string Jail(RedisUnderMvedsua server) => Directory.CreateDirectory(Path.Combine(server.Folder, "jail")).FullName;

    [GeneratedRegex("\"((?:GET|POST) [^ ]*) HTTP/1.1\"")]
    private static partial Regex Logged();

    /// <summary>Asks at the stats socket, one connection for each question.</summary>
    private sealed class Operator(string folder) : IDisposable
    {
        internal string Ask(string command)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
            socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(folder, "stats")));
            using var stream = new NetworkStream(socket);
            stream.Write(Encoding.ASCII.GetBytes(command + "\n"));
            return Changing().Replace(new StreamReader(stream).ReadToEnd(), "changing");
        }

        public void Dispose() { }
    }

    /// <summary>Of the answer to `show servers state`: seconds since the last change, and ports that the system chose.</summary>
    [GeneratedRegex(@"(?<=^\d+ back \d+ s 127\.0\.0\.1 \d+ \d+ \d+ \d+ )\d+|(?<= )\d{4,5}(?= )", RegexOptions.Multiline)]
    private static partial Regex Changing();
}
