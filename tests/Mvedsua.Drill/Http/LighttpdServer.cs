using System.Security.Cryptography;
using System.Text;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Http;

/// <summary>lighttpd: files, CGI programs, uploads.</summary>
internal sealed class LighttpdServer : HttpServer
{
    private const string Script = """
        #!/bin/sh
        printf 'Content-Type: text/plain\r\n\r\n'
        echo "$REQUEST_METHOD"
        exec sha256sum
        """;

    private readonly string _backend;
    private readonly byte[] _upload;

    internal LighttpdServer(Random random) : base(random)
    {
        _backend = random.Next(2) == 0 ? "sendfile" : "writev";
        _upload = new byte[300_000];
        random.NextBytes(_upload);
    }

    protected override bool LogsAtOnce => false;

    protected override string[] Configure(string folder, string root, int port)
    {
        string script = Path.Combine(root, "hash.cgi");
        File.WriteAllText(script, Script + "\n");
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(script, (UnixFileMode)Convert.ToInt32("755", 8));
        File.WriteAllText(Path.Combine(folder, "server.conf"), $"""
            server.port = {port}
            server.bind = "127.0.0.1"
            server.document-root = "{root}"
            server.modules = ("mod_accesslog", "mod_cgi")
            server.network-backend = "{_backend}"
            server.upload-dirs = ("{folder}")
            accesslog.filename = "{folder}/access.log"
            server.errorlog = "{folder}/error.log"
            cgi.assign = (".cgi" => "")
            server.max-keep-alive-idle = 600
            """);
        return ["/usr/sbin/lighttpd", "-D", "-f", $"{folder}/server.conf"];
    }

    /// <summary>(No CGI programs while nobody could tell how a child ended.)</summary>
    protected override HttpRequest? Own(Random draw, bool childrenMayFail)
    {
        if (childrenMayFail) return null;
        byte[]? body = draw.Next(3) == 0 ? _upload[..draw.Next(1, _upload.Length)] : null;
        string method = body is null ? "GET" : "POST";
        return new HttpRequest(method, "/hash.cgi", body, 200, Encoding.ASCII.GetBytes($"{method}\n{Convert.ToHexStringLower(SHA256.HashData(body ?? []))}  -\n"));
    }

    protected override bool Intended(string file) => false;
}
