using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Follower.Tests;

/// <summary>Servers that use what a follower can't replay yet: exact, or refused by name at that moment, and they go on alone.</summary>
public sealed class OtherServerTests : ServerTests
{
    [Theory]
    [InlineData("memcached", "-u nobody -l 127.0.0.1 -p {port} -t 4", "version\r\n", "VERSION")]
    [InlineData("python3", "-m http.server --bind 127.0.0.1 {port}", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200")]
    [InlineData("beanstalkd", "-l 127.0.0.1 -p {port}", "stats\r\n", "OK")]
    [InlineData("nginx", "-p {folder} -e {folder}/error.log -c {folder}/nginx.conf", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 ")]
    public void Another_server_is_followed_or_goes_on_alone(string program, string arguments, string request, string answer)
    {
        /* By its path: /usr/sbin is not in an ordinary user's. */
        string? path = new[] { $"/usr/bin/{program}", $"/usr/sbin/{program}" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"{program} is not installed");
        RedisUnderMvedsua server = Start(server: [path, .. arguments.Split(' ')], prepare: s => File.WriteAllText(Path.Combine(s.Folder, "nginx.conf"),
            $"daemon off; pid {s.Folder}/pid; worker_processes 2; events {{}} http {{ access_log off; client_body_temp_path {s.Folder}/b; proxy_temp_path {s.Folder}/p; " +
            $"fastcgi_temp_path {s.Folder}/f; uwsgi_temp_path {s.Folder}/u; scgi_temp_path {s.Folder}/s; server {{ listen 127.0.0.1:{s.Port}; }} }}"));
        Host.Until(() => Ask(server, request).StartsWith(answer, StringComparison.Ordinal), "the server answers", 30);
        for (int i = 0; i < 200; i++) Assert.StartsWith(answer, Ask(server, request));
        Host.Until(() => server.FollowerPid == 0 || server.Status().GetProperty("lag").GetProperty("events").GetInt64() == 0, "the follower is in step or ended");
        string history = server.History;
        Tell($"{history}\n{server.Tail()}");
        Assert.DoesNotContain("no reason", history);
        if (server.FollowerPid == 0) Assert.Contains("ended: ", history);
        /* CPython's threads talk by words of memory, whose order is not replayed: a named divergence may end its follower. */
        if (program != "python3") Assert.DoesNotContain("diverged", server.History);
        Assert.StartsWith(answer, Ask(server, request));
    }

    private static string Ask(RedisUnderMvedsua server, string request)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", server.Port) { ReceiveTimeout = 10_000 };
            client.GetStream().Write(Encoding.ASCII.GetBytes(request));
            byte[] buffer = new byte[100];
            int read = client.GetStream().ReadAtLeast(buffer, 4, throwOnEndOfStream: false);
            return Encoding.ASCII.GetString(buffer, 0, read);
        }
        catch (SocketException e)
        {
            return e.Message;
        }
    }
}
