using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Http;

/// <summary>nginx in one process.</summary>
internal sealed class NginxServer(Random random) : HttpServer(random)
{
    protected override bool LogsAtOnce => true;

    protected override string[] Configure(string folder, string root, int port)
    {
        string places = string.Join(' ', ((string[])["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]).Select(place => $"{place}_temp_path {folder}/{place};"));
        File.WriteAllText(Path.Combine(folder, "server.conf"), $$"""
            daemon off; master_process off; pid {{folder}}/pid;
            {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
            events { worker_connections 64; }
            http {
                access_log {{folder}}/access.log; sendfile on; {{places}}
                keepalive_timeout 600; limit_req_zone $binary_remote_addr zone=everybody:1m rate=100000r/s;
                server { listen 127.0.0.1:{{port}}; root {{root}}; limit_req zone=everybody burst=1000 nodelay; }
            }
            """);
        return ["/usr/sbin/nginx", "-p", folder, "-e", $"{folder}/error.log", "-c", $"{folder}/server.conf"];
    }

    protected override HttpRequest? Own(Random draw, bool childrenMayFail) => null;

    protected override bool Intended(string file) => file == "pid";
}
