using System.Globalization;

namespace Mvedsua.Replication.Servers;

/// <summary>How a server is started for a measurement, in a folder of its own.</summary>
/// <param name="Name">In the table.</param>
/// <param name="Protocol">Of bench/native/check-load; "": a program of the bench, no server.</param>
/// <param name="Command">The command line for a port and a folder; it may write its configuration there.</param>
/// <param name="ReadyLine">What it prints when it is ready; null: it is ready when it takes a connection.</param>
internal sealed record Recipe(string Name, string Protocol, Func<int, string, string[]> Command, string? ReadyLine = null)
{
    private const int PageSize = 4096;

    internal static Recipe Redis(params string[] options) => RedisOf("redis-server", options);

    /// <summary>Another redis-server than the system's.</summary>
    internal static Recipe RedisOf(string program, params string[] options) => new("redis", "redis",
        (port, folder) => [program, "--port", $"{port}", "--save", "", "--dir", folder, .. options], "Ready to accept connections");

    internal static Recipe Memcached(int threads) => new($"memcached -t{threads}", "memcached",
        (port, _) => ["memcached", "-l", "127.0.0.1", "-p", $"{port}", "-U", "0", "-t", $"{threads}", "-u", Environment.UserName]);

    /// <summary>The sample server.</summary>
    internal static Recipe Kv(string program) => new("kv", "kv", (port, _) => [program, "--port", $"{port}"]);

    internal static Recipe Beanstalkd { get; } = new("beanstalkd", "beanstalkd",
        (port, _) => ["beanstalkd", "-l", "127.0.0.1", "-p", $"{port}"]);

    internal static Recipe Lighttpd { get; } = new("lighttpd", "http", (port, folder) =>
    {
        WritePage(folder);
        return ["lighttpd", "-D", "-f", Write(folder, "lighttpd.conf", string.Create(CultureInfo.InvariantCulture, $"""
            server.document-root = "{folder}"
            server.bind = "127.0.0.1"
            server.port = {port}
            server.max-keep-alive-requests = 100000000

            """))];
    });

    /// <summary>One process: with workers, the master that is followed serves nobody.</summary>
    internal static Recipe Nginx { get; } = new("nginx", "http", (port, folder) =>
    {
        WritePage(folder);
        return ["nginx", "-p", folder, "-c", Write(folder, "nginx.conf", $$"""
            daemon off;
            master_process off;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/error.log;
            events { worker_connections 256; }
            http {
                access_log off;
                client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi;
                uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
                keepalive_requests 100000000;
                sendfile on;
                server { listen 127.0.0.1:{{port}}; root {{folder}}; }
            }

            """)];
    });

    /// <summary>What check-load expects under /check.</summary>
    private static void WritePage(string folder) =>
        Write(folder, "check", string.Concat(Enumerable.Range(0, PageSize).Select(i => (char)('a' + i % 26))));

    private static string Write(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
