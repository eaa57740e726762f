using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mvedsua.Follower.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>A Redis that is a replica itself, which is what operators update first, with clients that come by TLS and by a Unix socket.</summary>
public sealed class ReplicaUpdateTests : UpdatedRedis
{
    [Theory]
    [InlineData("7.0.15 u7-u10")]
    [InlineData("8.0.2-8.0.6")]
    public void A_replica_that_is_updated_stays_with_its_master_and_keeps_its_clients_over_TLS_and_a_Unix_socket(string pair)
    {
        (string old, string other) = RedisVersions.Build(pair);
        RedisUnderMvedsua master = Server(old, RedisUnderMvedsua.Mode.Native, ["--save", "\"\""]);
        int port = Host.FreePort();
        RedisUnderMvedsua replica = Start(RedisUnderMvedsua.Mode.Solo, prepare: WriteCertificate, server: [old, "--port", "{port}", "--dir", "{folder}", .. Settings, "--save", "\"\"",
            "--replicaof", "127.0.0.1", $"{master.Port}", "--unixsocket", "{folder}/socket", "--tls-port", $"{port}", "--tls-cert-file", "{folder}/certificate.pem",
            "--tls-key-file", "{folder}/key.pem", "--tls-ca-cert-file", "{folder}/certificate.pem", "--tls-auth-clients", "no"]);
        replica.Answers();
        using RespClient client = master.Connect(), replicaClient = replica.Connect();
        bool IsInStep() => client.Ok("WAIT", "1", "0") == ":1\r\n" && client.Ok("DEBUG", "DIGEST") == replicaClient.Ok("DEBUG", "DIGEST");
        client.Expect("+OK\r\n", "SET", "key", "0");
        Host.Until(IsInStep, "the replica is in step", 60);
        using Stream tls = Tls(port, Path.Combine(replica.Folder, "certificate.pem")), unix = Unix(Path.Combine(replica.Folder, "socket"));
        int changes = 0;
        void Changed()
        {
            for (int i = 0; i < 100; i++) client.Ok("INCR", "key");
            client.Ok("RPUSH", "list", $"{++changes}");
            Assert.Equal(":1\r\n", client.Call("WAIT", "1", "0"));
            foreach (Stream stream in (Stream[])[tls, unix]) Assert.Equal($"${$"{changes * 100}".Length}\r\n{changes * 100}\r\n", Get(stream, changes * 100));
        }
        Changed();
        Update(replica, pair, other);
        Changed();
        Promote(replica);
        Changed();
        replica.InStep();
        Do(replica, "commit");
        Changed();
        Assert.True(IsInStep());
        Assert.Equal("sync_full:1", client.Ok("INFO", "stats").Split("\r\n").Single(l => l.StartsWith("sync_full", StringComparison.Ordinal)));
    }

    /// <summary>GET, whose answer has a known length.</summary>
    private static string Get(Stream stream, int expected)
    {
        stream.Write("GET key\r\n"u8);
        byte[] answer = new byte[$"{expected}".Length + $"{$"{expected}".Length}".Length + 5];
        stream.ReadExactly(answer);
        return Encoding.Latin1.GetString(answer);
    }

    private static void WriteCertificate(RedisUnderMvedsua server)
    {
        using var key = RSA.Create(2048);
        using X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Path.Combine(server.Folder, "certificate.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(server.Folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }

    private static SslStream Tls(int port, string certificate)
    {
        using X509Certificate2 expected = X509Certificate2.CreateFromPem(File.ReadAllText(certificate));
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        socket.Connect(IPAddress.Loopback, port);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        stream.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == expected.Thumbprint });
        return stream;
    }

    private static NetworkStream Unix(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return new NetworkStream(socket, ownsSocket: true);
    }
}
