using System.Net.Sockets;

namespace Mvedsua.Follower.Tests;

/// <summary>Base of the tests with servers of our own (tests/native/follower), which answer each line with one.</summary>
public abstract class MomentServers : ServerTests
{
    private protected RedisUnderMvedsua StartServer(string program, RedisUnderMvedsua.Mode mode, params string[] arguments)
    {
        RedisUnderMvedsua server = Start(mode, server: [$"{{folder}}/{program}", .. arguments, "{port}"], prepare: s =>
        {
            Host.Result gcc = Host.Run(s.Folder, "gcc", "-O2", "-pthread", "-o", program, Path.Combine(Host.Root, $"tests/native/follower/{program}.c"));
            Assert.True(gcc.Status == 0, gcc.Errors);
        });
        Host.Until(() =>
        {
            try
            {
                using var client = new TcpClient("127.0.0.1", server.Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }, "the server answers");
        return server;
    }

    /// <summary>One connection: a command on each line, an answer in one.</summary>
    private protected sealed class Line : IDisposable
    {
        private readonly TcpClient _client;
        private readonly StreamReader _reader;

        internal Line(RedisUnderMvedsua server)
        {
            _client = new TcpClient("127.0.0.1", server.Port) { NoDelay = true, ReceiveTimeout = 20_000 };
            _reader = new StreamReader(_client.GetStream());
        }

        internal void Say(string command) => _client.GetStream().Write(System.Text.Encoding.ASCII.GetBytes(command + "\n"));

        internal string? Answer() => _reader.ReadLine();

        internal string? Ask(string command)
        {
            Say(command);
            return Answer();
        }

        public void Dispose() => _client.Dispose();
    }
}
